// client.mjs URL: edits documents on the server at this URL as pages do. client.mjs --check: checks that the packages are installed.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const Y = require("yjs");
const { WebsocketProvider } = require("y-websocket");
const { WebSocket } = require("ws");
const [url] = process.argv.slice(2);
if (url === "--check") process.exit();

class Page {
  constructor(name, document = "notes") {
    this.doc = new Y.Doc();
    this.text = this.doc.getText("text");
    // Disables the direct channel between pages, so that everything passes through the server.
    const options = { WebSocketPolyfill: WebSocket, disableBc: true };
    this.provider = new WebsocketProvider(url, document, this.doc, options);
    this.provider.awareness.setLocalStateField("name", name);
    this.provider.on("connection-close", event => event && this.crashes || assert.equal(event, null));
  }

  get names() {
    return [...this.provider.awareness.getStates().values()].map(({ name }) => name).sort().join();
  }

  async synced() {
    await until(() => this.provider.synced);
    return this;
  }
}

async function until(condition) {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5));
}

const is = (text, ...pages) => until(() => pages.every(page => page.text.toString() === text));

const ada = await new Page("ada").synced();
const bob = await new Page("bob").synced();
ada.text.insert(0, "hello");
await is("hello", bob);
bob.text.insert(5, " world");
bob.text.delete(0, 1);
await is("ello world", ada);

// Both edit at the same time, at the same place.
const both = text => text.includes("one") && text.includes("two");
ada.text.insert(4, " one");
bob.text.insert(4, " two");
await until(() => both(ada.text.toString()) && both(bob.text.toString()));
assert.equal(ada.text.toString(), bob.text.toString());

// One edits while the other is disconnected.
const left = performance.now();
ada.provider.disconnect();
ada.text.insert(0, "away: ");
bob.text.insert(bob.text.length, ", here");
await until(() => bob.names === "bob");
ada.provider.connect();
await until(() => ada.text.toString() === bob.text.toString());
// Each sees the other at once. Without help from the server, y-websocket would repeat the names only after 15 s.
await until(() => bob.names === "ada,bob");
assert(performance.now() - left < 12_000);
assert.match(ada.text.toString(), /^away: ello .* world, here$/);
const text = ada.text.toString();

// A later editor receives the whole document. Another document is empty.
const eve = await new Page("eve").synced();
await is(text, eve);
assert.equal((await new Page("dan", "other").synced()).text.toString(), "");
await until(() => [bob, eve].every(page => page.names === "ada,bob,eve"));

// A page crashes without announcing it. y-websocket alone would notice after 30 s. The page was disconnected before.
eve.provider.disconnect();
await until(() => bob.names === "ada,bob");
eve.provider.connect();
await until(() => bob.names === "ada,bob,eve");
const start = performance.now();
eve.crashes = true;
eve.provider.shouldConnect = false;
eve.provider.ws.terminate();
await until(() => bob.names === "ada,bob");
assert(performance.now() - start < 25_000);

// The server forgets a document without editors. The pages still have it.
ada.provider.disconnect();
bob.provider.disconnect();
let fred = await new Page("fred").synced();
while (fred.text.toString() !== "") {
  // The server has not noticed yet that they left.
  fred.provider.disconnect();
  await new Promise(resolve => setTimeout(resolve, 100));
  fred = await new Page("fred").synced();
}
bob.provider.connect();
await is(text, fred);
process.exit();

// deflate.mjs URL EXTENSIONS: opens the page, and from it an echoing WebSocket at the same address, which must
// negotiate EXTENSIONS. Each message is sent after the echo of the one before.

import assert from "node:assert/strict";
import { args, withBrowser } from "./chromium.mjs";

const [url, extensions] = args;

await withBrowser(async context => {
  const page = await context.newPage();
  await page.goto(url);
  const told = await page.evaluate(() => new Promise((resolve, reject) => {
    const items = Array.from({ length: 130_000 }, (_, i) => `{"id": ${i}, "name": "item \u2603 ${i * 7919}"},`).join("");
    const noise = size => {
      const bytes = new Uint8Array(size);
      // getRandomValues returns at most this much at once.
      for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      return bytes;
    };
    const messages = [];
    for (const size of [0, 1, 125, 126, 127, 128, 129, 1000, 16_384, 65_535, 65_536, 65_537, 300_000, 4 << 20]) {
      const text = items.slice(0, size);
      // The last one again: with context takeover both sides still have the data before the noise.
      messages.push(text, new TextEncoder().encode(text).subarray(0, size), noise(size), text);
    }

    const same = (sent, data) => typeof sent === "string" ? data === sent
      : data instanceof ArrayBuffer && data.byteLength === sent.length
        && new Uint8Array(data).every((byte, i) => byte === sent[i]);
    const socket = new WebSocket(location.href.replace("http", "ws"));
    socket.binaryType = "arraybuffer";
    const [left, sizes] = [[...messages], []];
    socket.onopen = () => socket.send(left[0]);
    socket.onmessage = ({ data }) => {
      const sent = left.shift();
      if (!same(sent, data)) reject(new Error(`the echo of ${typeof sent} of ${sent.length} differs`));
      sizes.push(sent.length);
      if (left.length > 0) socket.send(left[0]);
      else socket.close(1000);
    };
    socket.onclose = ({ code, wasClean }) => {
      const all = messages.map(message => message.length);
      resolve({ extensions: socket.extensions, sizes, all, code, wasClean });
    };
    socket.onerror = () => reject(new Error("the socket failed"));
  }));
  assert.equal(told.extensions, extensions);
  assert.deepEqual(told.sizes, told.all);
  assert.equal(told.sizes.at(-1), 4 << 20);
  assert.deepEqual([told.code, told.wasClean], [1000, true]);
});

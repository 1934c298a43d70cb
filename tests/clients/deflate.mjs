// deflate.mjs PLAIN ALONE TAKEOVER DEMANDING: sends compressed messages to the echo servers at these URLs. The first one
// does not compress, the second and the third accept the offer, and the fourth forbids context takeover. --check: checks
// that it can run.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

const { WebSocket } = createRequire(import.meta.url)("ws");
if (process.argv[2] === "--check") process.exit();
const [plain, ...compressing] = process.argv.slice(2);

const SIZES = [0, 1, 125, 126, 127, 128, 129, 1000, 16_384, 65_535, 65_536, 65_537, 300_000, 4 << 20];
const TEXT = Array.from({ length: 130_000 }, (_, i) => `{"id": ${i}, "name": "item \u2603 ${i * 7919}"},`).join("");

// Opens a socket that queues its messages. `next` returns the next message.
function open(url, perMessageDeflate) {
  const socket = new WebSocket(url, { perMessageDeflate, maxPayload: 0 });
  const [come, waiting] = [[], []];
  socket.on("message", (data, isBinary) => {
    const message = isBinary ? data : data.toString();
    (waiting.shift() ?? (message => come.push(message)))(message);
  });
  socket.next = async () => come.shift() ?? new Promise(resolve => waiting.push(resolve));
  socket.pong = () => new Promise(resolve => socket.once("pong", resolve));
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

function close(socket) {
  const closed = new Promise(resolve => socket.on("close", code => resolve(code)));
  socket.close(1000);
  return closed;
}

async function echo(socket, message) {
  socket.send(message);
  assert.ok(same(await socket.next(), message), `${typeof message} of ${message.length}`);
}

function same(one, other) {
  return typeof one === "string" ? one === other : one.equals(other);
}

// Sends three fragments, with a ping between them.
async function sendFragments(socket, message) {
  const size = Math.ceil(message.length / 3);
  for (const part of [0, 1, 2]) {
    socket.send(message.slice(part * size, (part + 1) * size), { fin: part === 2 });
    if (part < 2) {
      const pong = socket.pong();
      socket.ping("between");
      assert.equal((await pong).toString(), "between");
    }
  }
  assert.ok(same(await socket.next(), message), `fragments of ${message.length}`);
}

let socket = await open(plain, {});
assert.equal(socket.extensions, "");
await echo(socket, TEXT);
await close(socket);

for (const url of compressing) {
  // `false` would reject it.
  for (const serverNoContextTakeover of [undefined, true]) {
    for (const clientNoContextTakeover of [undefined, true]) {
      socket = await open(url, { threshold: 0, serverNoContextTakeover, clientNoContextTakeover });
      assert.equal(socket.extensions, "permessage-deflate");
      for (const size of SIZES) {
        for (const message of [TEXT.slice(0, size), Buffer.from(TEXT.slice(0, size)), randomBytes(size)]) {
          await echo(socket, message);
          await sendFragments(socket, message);
        }
      }
      assert.equal(await close(socket), 1000);
    }
  }
  for (const bits of [9, 12, 15]) {
    socket = await open(url, { threshold: 0, serverMaxWindowBits: bits, clientMaxWindowBits: bits });
    assert.equal(socket.extensions, "permessage-deflate");
    for (const size of [1000, 100_000]) {
      await echo(socket, TEXT.slice(0, size));
      await echo(socket, TEXT.slice(0, size));
    }
    await close(socket);
  }
  socket = await open(url, { serverMaxWindowBits: 8 });
  assert.equal(socket.extensions, "", "zlib has no such window");
  await echo(socket, TEXT);
  await close(socket);
}

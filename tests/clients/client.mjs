// client.mjs ECHO CALENDAR OBEY: exchanges messages with the servers at these URLs. client.mjs --check: checks that it can run.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const WebSocket = globalThis.WebSocket ?? createRequire(import.meta.url)("ws").WebSocket;
if (process.argv[2] === "--check") process.exit();
const [echo, calendar, obey] = process.argv.slice(2);

// Opens a socket that queues its messages. `next` returns the next message, or the close event at the end.
function open(url, options) {
  const socket = new WebSocket(url, options);
  socket.binaryType = "arraybuffer";
  const [come, waiting] = [[], []];
  const put = value => (waiting.shift() ?? (value => come.push(value)))(value);
  socket.onmessage = event => put(event.data);
  socket.onclose = event => put({ code: event.code, reason: event.reason });
  socket.next = async () => come.shift() ?? new Promise(resolve => waiting.push(resolve));
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error("refused"));
  });
}

let socket = await open(echo + "/any/path?query=1");
assert.equal(socket.protocol, "");
for (const message of ["hello", "", "0", "snow \u2603, clef \u{1d11e}", "x".repeat(200_000)]) {
  socket.send(message);
  assert.equal(await socket.next(), message);
}
for (const bytes of [[], [0, 255], Array(200_000).fill(7)]) {
  socket.send(Uint8Array.from(bytes));
  assert.deepEqual(new Uint8Array(await socket.next()), Uint8Array.from(bytes));
}
socket.close();
assert.equal((await socket.next()).code, 1005);

socket = await open(calendar + "/2013/10", ["other", "mytest"]);
assert.equal(socket.protocol, "mytest");
assert.equal(await socket.next(), "You are accessing YEAR = 2013, MONTH = 10");
socket.close(1000, "done");
assert.deepEqual(await socket.next(), { code: 1000, reason: "done" });

socket = await open(obey);
socket.send("ping");
assert.deepEqual(new Uint8Array(await socket.next()), Uint8Array.of("p".charCodeAt(0)));
socket.close(1000, "done");
assert.deepEqual(await socket.next(), { code: 1000, reason: "done" });

socket = await open(obey);
socket.close(4001, "own reason");
assert.deepEqual(await socket.next(), { code: 4001, reason: "own reason" });

socket = await open(obey);
socket.send("close");
assert.deepEqual(await socket.next(), { code: 4002, reason: "on demand" });

// Scripts cannot see the status, and this kind of client sends no `Origin`.
await assert.rejects(open(calendar + "/2013/13"), /refused/);
if (WebSocket === globalThis.WebSocket) {
  await assert.rejects(open(echo, { headers: { origin: "https://evil.org" } }), /refused/);
  (await open(echo, { headers: { origin: echo.replace("ws", "http") } })).close();
}

// foreign.mjs: runs an echo server on a port that it prints. foreign.mjs --check: checks that it can run.

import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(import.meta.url)("ws");
if (process.argv[2] === "--check") process.exit();

const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  perMessageDeflate: { threshold: 0 },
  handleProtocols: protocols => (protocols.has("chat") ? "chat" : false),
  verifyClient: ({ req }, answer) => (req.url === "/no" ? answer(false, 403, "Forbidden") : answer(true)),
});
server.on("listening", () => console.log(server.address().port));
server.on("connection", socket => {
  socket.on("message", (data, isBinary) => {
    if (data.toString() === "close") socket.close(4002, "on demand");
    else if (data.toString() === "ping") socket.ping("are you there", undefined, () => socket.send("pinged"));
    else socket.send(data, { binary: isBinary });
  });
  socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`.trim()));
});

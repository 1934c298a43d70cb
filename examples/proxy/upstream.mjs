// upstream.mjs: a server that obeys commands in messages, on a port that it prints. upstream.mjs --check: checks that the packages are installed.

import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(import.meta.url)("ws");
if (process.argv[2] === "--check") process.exit();

const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  handleProtocols: protocols => (protocols.has("v2") ? "v2" : false),
  verifyClient: ({ req }, answer) =>
    req.url === "/secret" ? answer(false, 401, "Unauthorized", { "WWW-Authenticate": "Basic" }) : answer(true),
});
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket, request) => {
  socket.on("message", (data, isBinary) => {
    const text = isBinary ? "" : data.toString();
    const [command, ...rest] = text.split(" ");
    if (command === "close") {
      // Without a code, the frame is empty, and the other side reports 1005.
      rest.length > 0 ? socket.close(Number(rest[0]), rest[1]) : socket.close();
    } else if (command === "vanish") {
      request.socket.destroy();
    } else if (command === "header") {
      socket.send(String(request.headers[rest[0]]));
    } else {
      socket.send(data, { binary: isBinary });
    }
  });
  socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`.trim()));
});

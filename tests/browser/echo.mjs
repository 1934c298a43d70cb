// echo.mjs URL: opens the page, and from it an echoing WebSocket at the same address.

import assert from "node:assert/strict";
import { args, withBrowser } from "./chromium.mjs";

await withBrowser(async context => {
  const page = await context.newPage();
  await page.goto(args[0]);
  const answers = await page.evaluate(() => new Promise((resolve, reject) => {
    const messages = ["hello", "", "snow \u2603, clef \u{1d11e}", "x".repeat(200_000), Uint8Array.of(0, 255)];
    const socket = new WebSocket(location.href.replace("http", "ws"));
    socket.binaryType = "arraybuffer";
    const answers = [];
    socket.onopen = () => messages.forEach(message => socket.send(message));
    socket.onmessage = ({ data }) => {
      answers.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
      if (answers.length === messages.length) socket.close(1000, "done");
    };
    socket.onclose = event => resolve({ answers, code: event.code, clean: event.wasClean });
    socket.onerror = () => reject(new Error("the socket failed"));
  }));
  assert.deepEqual(answers, {
    answers: ["hello", "", "snow \u2603, clef \u{1d11e}", "x".repeat(200_000), [0, 255]],
    code: 1000,
    clean: true,
  });
});

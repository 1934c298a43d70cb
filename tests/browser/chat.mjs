// chat.mjs PROGRAM PICTURES: starts the chat server, exchanges messages between two pages, restarts the server
// meanwhile, and saves screenshots.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { args, withBrowser } from "./chromium.mjs";

const [program, pictures] = args;
// Below the ephemeral ports of the system, so that no other socket takes the port while the server is down.
let server, port = 20_000 + process.pid % 10_000;

async function start() {
  server = spawn(program, ["--port", port], { stdio: ["ignore", "pipe", "inherit"] });
  server.once("exit", (status, signal) => signal ?? assert.fail(`the server exits with ${status}`));
  const [line] = await once(server.stdout, "data");
  assert.equal(String(line).trim(), `listening on http://127.0.0.1:${port}`);
}

async function stop(signal) {
  server.removeAllListeners("exit");
  const exit = once(server, "exit");
  server.kill(signal);
  await exit;
}

async function enter(page, name) {
  await page.getByPlaceholder("Your name").fill(name);
  await page.getByRole("button", { name: "Enter" }).click();
}

async function say(page, text) {
  await page.getByPlaceholder("Message").fill(text);
  await page.keyboard.press("Enter");
}

const heard = (page, text) => page.locator(".said:not(.waiting) .text", { hasText: text }).waitFor();
const told = page => page.locator(".said .text").allTextContents();
const status = (page, text) => page.locator("#status", { hasText: text }).waitFor();

await start();
try {
  await withBrowser(async context => {
    const [ada, grace] = [await context.newPage(), await context.newPage()];
    const errors = [];
    for (const page of [ada, grace]) page.on("pageerror", error => errors.push(error.message));
    await ada.setViewportSize({ width: 1000, height: 640 });
    await ada.emulateMedia({ colorScheme: "light" });
    await grace.setViewportSize({ width: 390, height: 700 });
    await grace.emulateMedia({ colorScheme: "dark" });
    for (const page of [ada, grace]) await page.goto(`http://127.0.0.1:${port}/`);
    await ada.screenshot({ path: `${pictures}/door.png` });

    // Names and presence.
    await enter(ada, "Ada");
    await status(ada, "connected");
    await enter(grace, "Ada");
    await grace.getByText("Somebody here has that name.").waitFor();
    await grace.screenshot({ path: `${pictures}/taken.png` });
    await enter(grace, "Grace");
    await status(grace, "connected");
    await ada.getByText("Grace came in").waitFor();
    assert.equal(await ada.locator("#people").textContent(), "2 here: Ada, Grace");

    // Each sees the other's messages, and markup is shown as text.
    await say(ada, "Is anybody there?");
    await heard(grace, "Is anybody there?");
    await say(grace, "Yes! <b>Good</b> morning \u{1f44b}");
    await heard(ada, "Yes! <b>Good</b> morning \u{1f44b}");

    // The server restarts, after SIGTERM and after SIGKILL. Both reconnect, and no message is lost or duplicated.
    const all = ["Is anybody there?", "Yes! <b>Good</b> morning \u{1f44b}"];
    for (const signal of ["SIGTERM", "SIGKILL"]) {
      await stop(signal);
      for (const page of [ada, grace]) await status(page, "reconnecting");
      const text = `Said while the server was gone, by ${signal}. It comes as soon as it is back.`;
      await say(grace, text);
      await grace.locator(".said.waiting").waitFor();
      if (signal === "SIGTERM") await grace.screenshot({ path: `${pictures}/gone.png` });
      await start();
      for (const page of [ada, grace]) await status(page, "connected");
      for (const page of [ada, grace]) await heard(page, text);
      await say(ada, `Back after ${signal}.`);
      for (const page of [ada, grace]) await heard(page, `Back after ${signal}.`);
      all.push(text, `Back after ${signal}.`);
    }
    for (const page of [ada, grace]) assert.deepEqual(await told(page), all);

    // A page that is reloaded gets the history of the running server.
    await grace.reload();
    await status(grace, "connected");
    assert.deepEqual(await told(grace), all.slice(-2));
    await say(grace, "I reloaded this page, and I am still here.");
    await heard(ada, "I reloaded this page, and I am still here.");
    await say(ada, "One more, so that there is something long to look at: the quick brown fox jumps over the lazy dog, "
      + "and then it does so again, and again, until the line has to wrap.");
    await heard(grace, "until the line has to wrap");

    for (const [name, page] of [["desktop", ada], ["phone", grace]]) {
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: `${pictures}/${name}-${colorScheme}.png` });
      }
    }
    await grace.close();
    await ada.locator("#people", { hasText: "1 here: Ada" }).waitFor();
    assert.deepEqual(errors, []);
  });
} finally {
  server.kill("SIGKILL");
}

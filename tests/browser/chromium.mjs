// Headless Chromium for the scripts beside this one.
//
// Each of them is run as `node SCRIPT ARGUMENT..` by `browser.rs`, and as `node SCRIPT --check` to see whether it
// could: whether `playwright-core` is there (by NODE_PATH, if not beside the repository) and Chromium is where
// $CHROMIUM says, /usr/bin/chromium if it does not.

import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
accessSync(executablePath, constants.X_OK);
if (process.argv[2] === "--check") process.exit();

// What the script is called with.
export const args = process.argv.slice(2);

// Calls `use` with a browser, whose pages trust any certificate, and ends both.
export async function withBrowser(use) {
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  flags.push("--disable-background-networking", "--disable-component-update", "--disable-sync");
  const browser = await chromium.launch({ executablePath, args: flags });
  try {
    await use(await browser.newContext({ ignoreHTTPSErrors: true }));
  } finally {
    await browser.close();
  }
}

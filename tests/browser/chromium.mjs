// Headless Chromium for the scripts in this directory.
//
// `browser.rs` runs each of them as `node SCRIPT --check`, to check that it can run, and as `node SCRIPT ARGUMENT..`.
// Needs `playwright-core` (found through NODE_PATH, unless it is installed for the repository) and Chromium at
// $CHROMIUM (default: /usr/bin/chromium).

import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
accessSync(executablePath, constants.X_OK);
if (process.argv[2] === "--check") process.exit();

// The arguments of the script.
export const args = process.argv.slice(2);

// Calls `use` with a browser context that trusts any certificate, and then closes the browser.
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

// mqtt.mjs URL: runs two MQTT clients through the tunnel. mqtt.mjs --check: checks that the packages are installed.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const mqtt = require("mqtt");
require("aedes");
if (process.argv[2] === "--check") process.exit();
const url = process.argv[2];

const options = { reconnectPeriod: 0, connectTimeout: 10_000 };
const [subscriber, publisher] = await Promise.all([mqtt.connectAsync(url, options), mqtt.connectAsync(url, options)]);
assert.equal(subscriber.stream.socket?.protocol ?? "mqtt", "mqtt");

const payloads = ["", "hello", "snow \u2603", "x".repeat(200_000), ...Array.from({ length: 500 }, (_, n) => `message ${n}`)];
const received = [];
const all = new Promise(resolve => {
  subscriber.on("message", (topic, payload) => {
    assert.equal(topic, "news/today");
    received.push(payload.toString());
    if (received.length === payloads.length) resolve();
  });
});
await subscriber.subscribeAsync("news/#", { qos: 1 });
for (const payload of payloads) await publisher.publishAsync("news/today", payload, { qos: 1 });
await all;
assert.deepEqual(received, payloads);
await Promise.all([subscriber.endAsync(), publisher.endAsync()]);
console.log("all messages arrived");

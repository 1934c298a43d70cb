// client.mjs URL: uses the server at this URL as an application does. client.mjs --check: checks that the packages are installed.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { createClient } = require("graphql-ws");
const { WebSocket } = require("ws");
if (process.argv[2] === "--check") process.exit();

// Returns a client with these tokens, one for each connection, and a list of the closes it receives.
function connect(...tokens) {
  const closes = [];
  const client = createClient({
    url: process.argv[2],
    webSocketImpl: WebSocket,
    connectionParams: () => ({ token: tokens.shift() }),
    retryAttempts: tokens.length - 1,
    retryWait: async () => {},
    // Keeps the socket open between two queries.
    lazyCloseTimeout: 60_000,
    on: { closed: ({ code, reason }) => closes.push([code, reason]) },
  });
  return { client, closes };
}

async function ask({ client }, query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result);
  assert.equal(results.length, 1);
  return results[0];
}

const [ada, bob] = ["token-of-ada", "token-of-bob"].map(token => connect(token));
assert.deepEqual(await ask(ada, "{ me }"), { data: { me: "ada" } });
assert.deepEqual(await ask(bob, "{ me }"), { data: { me: "bob" } });

// One socket carries several subscriptions and queries.
const subscription = "subscription { messages { from text } }";
const [first, second, third] = [ada, ada, bob].map(({ client }) => client.iterate({ query: subscription }));
const firsts = [first, second, third].map(messages => messages.next());
const say = "mutation ($text: String!) { say(text: $text) }";
// Repeats the message until all three have subscribed.
let heard = 0;
while (heard < 3) ({ data: { say: heard } } = await ask(bob, say, { text: "hello" }));
for (const next of firsts) {
  assert.deepEqual((await next).value, { data: { messages: { from: "bob", text: "hello" } } });
}

// A completed subscription also ends on the server. The others continue.
await first.return();
do ({ data: { say: heard } } = await ask(ada, say, { text: "bye" })); while (heard > 2);
for (const messages of [second, third]) {
  let result;
  do result = (await messages.next()).value.data.messages; while (result.text !== "bye");
  assert.deepEqual(result, { from: "ada", text: "bye" });
}

assert.match((await ask(ada, "{ you }")).errors[0].message, /Unknown field/);
assert.deepEqual([ada.closes, bob.closes], [[], []]);

// A wrong token is rejected. The client reconnects if its settings allow it, possibly with another token.
for (const token of ["token-of-eve", undefined]) {
  const eve = connect(token);
  await assert.rejects(ask(eve, "{ me }"), ({ code, reason }) => code === 4403 && reason === "Forbidden");
  assert.deepEqual(eve.closes, [[4403, "Forbidden"]]);
}
const renewed = connect("token-of-eve", "token-of-ada");
assert.deepEqual(await ask(renewed, "{ me }"), { data: { me: "ada" } });
assert.deepEqual(renewed.closes, [[4403, "Forbidden"]]);

for (const { client } of [ada, bob, renewed]) await client.dispose();
// The client's timer would keep the process alive.
process.exit();

// broker.mjs: runs an MQTT broker on TCP and prints its port.

import { createRequire } from "node:module";
import { createServer } from "node:net";

const { Aedes } = createRequire(import.meta.url)("aedes");
const broker = await Aedes.createBroker();
const server = createServer(broker.handle);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

// npm install @nats-io/transport-node@3.4.0 @nats-io/jetstream@3.4.0
import { readFileSync } from "node:fs";
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";
import { jetstream } from "@nats-io/jetstream";

const URL = "{{url}}";
const CA = "{{ca}}"; // who vouches for the server; empty: those this machine trusts
const SEED = "{{seed}}"; // the file with your key; empty: the server lets everybody in
const INBOX = "{{inbox}}";
const DOMAIN = "{{domain}}";
const STREAM = "{{stream}}";
const NAME = "{{name}}";

const options = { servers: URL, inboxPrefix: INBOX, maxReconnectAttempts: -1 };
if (CA) options.tls = { caFile: CA };
if (SEED) {
  const seed = readFileSync(SEED, "utf8").trim();
  options.authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
}
const connection = await connect(options);
const stream = jetstream(connection, DOMAIN ? { domain: DOMAIN } : {});
const consumer = await stream.consumers.get(STREAM, NAME);
for await (const message of await consumer.consume({ max_messages: 100 })) {
  const event = message.json();
  // An event may come again, and behind newer ones: keep each once, by its source and sequence.
  console.log(event.sequence, event.type, event.subject);
  // Not acknowledged, it comes again.
  message.ack();
}
throw new Error("the consumer or the connection is gone");

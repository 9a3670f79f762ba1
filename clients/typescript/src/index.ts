/**
 * The custom channel of haptik-bridge: requests to it, and what it posts to your application.
 * docs/custom-channel.md explains every key, docs/openapi.yaml is the same as a document for machines.
 */
export { Client, Refused, Unanswered, newId, now, type ClientOptions } from "./client.js";
export { Inbox, MemorySeen, type InboxOptions, type Seen } from "./inbox.js";
export { Unverified, sign, verify, type Delivery, type Headers } from "./signing.js";
export type * from "./types.js";

// Standard Webhooks (https://www.standardwebhooks.com), both ways.
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Event } from "./types.js";

/** How far `webhook-timestamp` may be from now, either way, in seconds. */
const TOLERANCE = 300;

/** It is not the bridge's, or not of now: answer 401. Never says what was expected. */
export class Unverified extends Error {
  override name = "Unverified";
}

/** What the bridge posted. */
export interface Delivery {
  /** The `webhook-id`: the same on every try, so what has it again has come before. */
  id: string;
  event: Event;
}

/** As Node.js has them, as an object, or as the web's `Headers`; names in any case. */
export type Headers =
  | Record<string, string | string[] | undefined>
  | { get(name: string): string | null };

/** The bytes of a secret, `whsec_` and the base64 of them, as the bridge takes it: padded or not. */
function keyOf(secret: string): Buffer {
  const text = secret.replace(/^whsec_/, "").replace(/=+$/, "");
  const isBase64 = /^[A-Za-z0-9+/]+$/.test(text) && text.length % 4 !== 1;
  const key = isBase64 ? Buffer.from(text, "base64") : Buffer.alloc(0);
  if (key.length < 16) {
    throw new TypeError("the secret is not whsec_ and the base64 of at least 16 bytes (24 to 64 are usual)");
  }
  return key;
}

/** The bytes of one secret or of several. */
export function keysOf(secrets: string | readonly string[]): Buffer[] {
  const keys = (typeof secrets === "string" ? [secrets] : [...secrets]).map(keyOf);
  if (keys.length === 0) throw new TypeError("there is no secret");
  return keys;
}

/** The `webhook-signature` of a body as it is sent; `timestamp` is in seconds since 1970. */
export function sign(secret: string, id: string, timestamp: number, body: string | Uint8Array): string {
  return signature(keyOf(secret), id, String(timestamp), body);
}

export function signature(key: Buffer, id: string, timestamp: string, body: string | Uint8Array): string {
  const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
  return `v1,${hmac.digest("base64")}`;
}

function header(headers: Headers, name: string): string {
  if (typeof headers.get === "function") return (headers.get as (name: string) => string | null)(name) ?? "";
  const named = headers as Record<string, string | string[] | undefined>;
  const key = Object.keys(named).find((key) => key.toLowerCase() === name);
  const value = key === undefined ? undefined : named[key];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

/**
 * What was posted, once its signature is verified; the raw body.
 *
 * Throws `Unverified` when none of the secrets signed this body within five minutes of now, and `SyntaxError` when
 * what was signed is no event.
 */
export function verify(
  secrets: string | readonly string[],
  body: string | Uint8Array,
  headers: Headers,
  clock: () => number = Date.now,
): Delivery {
  return verifyWith(keysOf(secrets), body, headers, clock);
}

export function verifyWith(
  keys: readonly Buffer[],
  body: string | Uint8Array,
  headers: Headers,
  clock: () => number,
): Delivery {
  const [id, at] = [header(headers, "webhook-id"), header(headers, "webhook-timestamp")];
  const given = header(headers, "webhook-signature");
  if (id === "" || given === "" || !/^[0-9]{1,12}$/.test(at)) {
    throw new Unverified("webhook-id, webhook-timestamp and webhook-signature must be there");
  }
  if (Math.abs(clock() / 1000 - Number(at)) > TOLERANCE) {
    throw new Unverified("webhook-timestamp is more than 5 minutes from now");
  }
  let found = false;
  // All are compared, each in constant time, so that the time tells nothing.
  for (const key of keys) {
    const expected = Buffer.from(signature(key, id, at, body));
    for (const one of given.split(" ").map((one) => Buffer.from(one))) {
      if (one.length === expected.length && timingSafeEqual(one, expected)) found = true;
    }
  }
  if (!found) throw new Unverified("webhook-signature is not the signature of this body");
  const event: unknown = JSON.parse(typeof body === "string" ? body : textOf(body));
  if (typeof event !== "object" || event === null || !("type" in event) || typeof event.type !== "string") {
    throw new SyntaxError("the body is no event");
  }
  return { id, event: event as Event };
}

/** UTF-8, and nothing that only looks like it: what cannot be read is not made up. */
function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new SyntaxError("the body is not UTF-8");
  }
}

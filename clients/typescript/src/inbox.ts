// What the bridge posts to the callback URL, each event once.
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Unverified, keysOf, verifyWith, type Headers } from "./signing.js";
import type { Event } from "./types.js";

/** The most bytes of a body; the bridge sends none that is larger. */
const LIMIT = 10_000_000;
/** Milliseconds within which a body has to be there. */
const BODY_TIMEOUT = 30_000;
const DAY = 86_400_000;

/** The `webhook-id` of what was taken, kept for a day. With several processes: a table of your database. */
export interface Seen {
  /**
   * Whether it is the caller's to take: not where it was taken, or another caller is at it. At once, in one step.
   *
   * What was claimed a minute ago and is neither taken nor released may be claimed again: its process has died.
   */
  claim(id: string): boolean | Promise<boolean>;
  /** Whether it was taken. */
  has(id: string): boolean | Promise<boolean>;
  /** It is taken. */
  add(id: string): void | Promise<void>;
  /** It was claimed, and is not taken: it will come again. */
  release(id: string): void | Promise<void>;
}

/** Keeps the ids of a day, the last 100,000 of them, in memory. */
export class MemorySeen implements Seen {
  readonly #ids = new Map<string, number>();
  readonly #claimed = new Set<string>();
  readonly #milliseconds: number;
  readonly #limit: number;

  constructor(milliseconds: number = DAY, limit: number = 100_000) {
    this.#milliseconds = milliseconds;
    this.#limit = limit;
  }

  claim(id: string): boolean {
    if (this.#claimed.has(id) || this.has(id)) return false;
    this.#claimed.add(id);
    return true;
  }

  has(id: string): boolean {
    return (this.#ids.get(id) ?? -1) > performance.now();
  }

  add(id: string): void {
    this.#claimed.delete(id);
    this.#ids.delete(id);
    this.#ids.set(id, performance.now() + this.#milliseconds);
    // The oldest stands first.
    for (const [old, until] of this.#ids) {
      if (this.#ids.size <= this.#limit && until > performance.now()) break;
      this.#ids.delete(old);
    }
  }

  release(id: string): void {
    this.#claimed.delete(id);
  }
}

export interface InboxOptions {
  seen?: Seen;
  /** What is told of an event that your function did not take; `console.error` by default. */
  onError?: (webhookId: string, error: unknown) => void;
  /** For tests: milliseconds since 1970. */
  clock?: () => number;
}

/** Takes what the bridge posts: verifies it, leaves out what came before, and gives it to your function. */
export class Inbox {
  readonly #keys: ReturnType<typeof keysOf>;
  readonly #handle: (event: Event) => void | Promise<void>;
  readonly #options: Required<InboxOptions>;

  /**
   * For one signing secret or several, newest first.
   *
   * `handle` stores what is told and returns; what takes long is done afterwards, since the bridge waits 10 s. What
   * it throws makes the bridge tell it again. Types that it does not know it ignores.
   */
  constructor(
    secrets: string | readonly string[],
    handle: (event: Event) => void | Promise<void>,
    options: InboxOptions = {},
  ) {
    this.#keys = keysOf(secrets);
    this.#handle = handle;
    this.#options = {
      seen: new MemorySeen(),
      onError: (webhookId, error) => console.error(`${webhookId} is not taken, and will come again:`, error),
      clock: Date.now,
      ...options,
    };
  }

  /** Takes a request's raw body, and returns the status to answer with. */
  async take(body: string | Uint8Array, headers: Headers): Promise<number> {
    if (body.length > LIMIT) return 413;
    let delivery;
    try {
      delivery = verifyWith(this.#keys, body, headers, this.#options.clock);
    } catch (error) {
      if (error instanceof Unverified) return 401;
      if (error instanceof SyntaxError) return 400;
      throw error;
    }
    const { id, event } = delivery;
    const { seen, onError } = this.#options;
    try {
      // Where it is being taken at this moment, whether it will be is not known yet.
      if (!(await seen.claim(id))) return (await seen.has(id)) ? 204 : 503;
      try {
        await this.#handle(event);
        await seen.add(id);
      } catch (error) {
        await seen.release(id);
        throw error;
      }
      return 204;
    } catch (error) {
      onError(id, error);
      return 500;
    }
  }

  /** The callback URL as a listener of `node:http`, which most frameworks can mount too. */
  readonly listener = (request: IncomingMessage, response: ServerResponse): void => {
    // What is thrown here comes from an `onError` or a clock that was given.
    void this.#answer(request).catch(() => 500).then((status) => {
      if (status === undefined) return void request.socket.destroy();
      // What is left of a body that is too large, or that does not come, is not waited for.
      const closing = status === 413 || status === 408;
      response.writeHead(status, closing ? { connection: "close", "content-length": 0 } : { "content-length": 0 });
      response.end(closing ? () => request.socket.destroy() : undefined);
    });
  };

  async #answer(request: IncomingMessage): Promise<number | undefined> {
    if (request.method !== "POST") return 405;
    if (Number(request.headers["content-length"] ?? 0) > LIMIT) return 413;
    const body = await bodyOf(request);
    return typeof body === "number" || body === undefined ? body : this.take(body, request.headers);
  }
}

/** The body; the status that refuses it; or nothing where the connection was cut, which never happened then. */
function bodyOf(request: IncomingMessage): Promise<Buffer | number | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => resolve(408), BODY_TIMEOUT);
    const end = (outcome: Buffer | number | undefined) => {
      clearTimeout(timer);
      resolve(outcome);
    };
    request.on("data", (part: Buffer) => {
      length += part.length;
      if (length > LIMIT) {
        request.pause();
        end(413);
      } else {
        parts.push(part);
      }
    });
    request.on("end", () => end(Buffer.concat(parts)));
    request.on("error", () => end(undefined));
    request.on("close", () => end(undefined));
  });
}

// Requests to the bridge.
import { randomUUID } from "node:crypto";
import { keysOf, signature } from "./signing.js";
import type { Accepted, Handoff, Request } from "./types.js";

/** What is sent again besides any 5xx: nothing is stored, or nobody knows. A proxy has 5xx of its own (520 to 530). */
const RETRIED = new Set([408, 425, 429]);
const [FIRST_PAUSE, LONGEST_PAUSE] = [500, 10_000];

/** The bridge does not take a request, and would not the next time either. */
export class Refused extends Error {
  override name = "Refused";
  readonly status: number;
  /** What the bridge says. */
  readonly error: string;
  /** With 409 for `handOver`: the hand-off that is on. */
  readonly handoffId: string | undefined;

  constructor(status: number, error: string, handoffId?: string) {
    super(`the bridge answered ${status}: ${error}`);
    this.status = status;
    this.error = error;
    this.handoffId = handoffId;
  }
}

/** There was no answer, or none but 5xx. Send the same request again later: it counts once. */
export class Unanswered extends Error {
  override name = "Unanswered";
}

/** An id for a request. Make it once, where you store what the user did. */
export function newId(): string {
  return randomUUID();
}

/** A timestamp for a request. Make it once, where you store what the user did. */
export function now(): string {
  return new Date().toISOString();
}

export interface ClientOptions {
  /** Milliseconds for one try; 10,000. */
  timeout?: number;
  /** Milliseconds for all tries; 60,000. */
  giveUpAfter?: number;
  /** For tests. */
  sleep?: (milliseconds: number) => Promise<void>;
  /** For tests: milliseconds since 1970. */
  clock?: () => number;
}

/** A connection of the bridge with `type = "custom"`. */
export class Client {
  readonly #url: string;
  readonly #key: ReturnType<typeof keysOf>[number];
  readonly #options: Required<ClientOptions>;

  /** For `url`, `https://…/channels/NAME`, and its newest signing secret, `whsec_…`. */
  constructor(url: string, secret: string, options: ClientOptions = {}) {
    if (!/^https?:$/.test(new URL(url).protocol)) throw new TypeError("the URL is not one of http or https");
    this.#url = url.replace(/\/+$/, "");
    this.#key = keysOf(secret)[0]!;
    this.#options = {
      timeout: 10_000,
      giveUpAfter: 60_000,
      sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      clock: Date.now,
      ...options,
    };
  }

  /** Tells the bot, or the agent, what a user did. The same `id` and `timestamp` again count once. */
  say(request: Request): Promise<Accepted> {
    return this.#send("POST", "", request);
  }

  /** Hands a user over to a human. The same `id` again is the same hand-off. */
  handOver(handoff: Handoff): Promise<Accepted> {
    return this.#send("POST", "/handoff", handoff);
  }

  /** Takes the user back before the conversation is complete. Again is the same as once; `Refused` has 404 where none was on. */
  takeBack(userId: string | number): Promise<Accepted> {
    return this.#send("DELETE", `/handoff?user=${encodeURIComponent(userId)}`);
  }

  async #send(method: string, path: string, request?: Request | Handoff): Promise<Accepted> {
    if (request !== undefined) {
      for (const key of ["id", "timestamp"] as const) {
        if (request[key] === undefined || request[key] === null || request[key] === "") {
          throw new TypeError(`${key} is missing: it is part of the request's name, by which it counts once`);
        }
      }
    }
    const body = request === undefined ? "" : JSON.stringify(request);
    // The same for every try, as are the body's own id and timestamp; time and signature are of now.
    const webhookId = `msg_${newId()}`;
    const until = performance.now() + this.#options.giveUpAfter;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      const tried = await this.#try(method, path, body, webhookId);
      if ("accepted" in tried) return tried.accepted;
      const wait = Math.max(tried.retryAfter, pause * (0.5 + Math.random() / 2));
      if (performance.now() + wait > until) throw new Unanswered(tried.reason);
      await this.#options.sleep(wait);
    }
  }

  async #try(
    method: string,
    path: string,
    body: string,
    webhookId: string,
  ): Promise<{ accepted: Accepted } | { reason: string; retryAfter: number }> {
    const at = String(Math.floor(this.#options.clock() / 1000));
    const headers = {
      "content-type": "application/json",
      "webhook-id": webhookId,
      "webhook-timestamp": at,
      "webhook-signature": signature(this.#key, webhookId, at, body),
    };
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#url + path, {
        method,
        headers,
        redirect: "manual",
        signal: AbortSignal.timeout(this.#options.timeout),
        ...(body === "" ? {} : { body }),
      });
      text = await response.text();
    } catch (error) {
      return { reason: `the bridge did not answer: ${error}`, retryAfter: 0 };
    }
    const said = json(text);
    if (response.ok) {
      if (typeof said["id"] === "string") return { accepted: said as unknown as Accepted };
      return { reason: "what answered is not the bridge: is the URL right?", retryAfter: 0 };
    }
    const error = String(said["error"] ?? said["message"] ?? response.statusText);
    if (RETRIED.has(response.status) || response.status >= 500) {
      const retryAfter = millisecondsOf(response.headers.get("retry-after"));
      return { reason: `the bridge answered ${response.status}: ${error}`, retryAfter };
    }
    const handoffId = said["handoff_id"];
    throw new Refused(response.status, error, typeof handoffId === "string" ? handoffId : undefined);
  }
}

function json(text: string): Record<string, unknown> {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === "object" && said !== null ? (said as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Of a `Retry-After`, which is a number of seconds or a date. */
function millisecondsOf(value: string | null): number {
  if (value === null) return 0;
  if (/^[0-9]+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(0, at - Date.now());
}

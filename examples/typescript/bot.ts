// A bot of your own that hands its user over to Haptik's agents, and takes the user back.
//
// You are the user, in this terminal. The bot repeats what you say; "agent" brings a human; "/bot" brings the
// bot back before the human is done. See examples/README.md.
import { createServer } from "node:http";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { Client, Inbox, Refused, newId, now, type Event, type Handoff, type Line, type Message } from "haptik-bridge";

const USER = { id: "u-42", name: "Asha" };

/** The bot of one user. A real one keeps `transcript`, `handoff` and what is not sent yet in its database. */
class Bot {
  readonly #client: Client;
  readonly #transcript: Line[] = [];
  /** The id of the hand-off that is on, or may be. */
  #handoff: string | undefined;
  /** What asked for it, as long as nobody knows whether the bridge has it. */
  #asked: Handoff | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  #note(sender: string, text: string): void {
    this.#transcript.push({ sender, text, timestamp: now() });
  }

  #show(who: string, text: string): void {
    this.#note(who, text);
    console.log(`${who}: ${text}`);
  }

  #answer(text: string): void {
    this.#show("bot", `You said: ${text}`);
  }

  /** The user says something. */
  async hear(text: string): Promise<void> {
    this.#note("user", text);
    if (this.#asked !== undefined) {
      await this.#handOver(this.#asked);
      if (text === "agent") return;
    }
    if (this.#handoff !== undefined && text === "/bot") {
      await this.#takeBack();
    } else if (this.#handoff !== undefined) {
      await this.#forward({ type: "message", id: newId(), timestamp: now(), user: USER, text });
    } else if (text === "agent") {
      await this.#bringHuman();
    } else {
      this.#answer(text);
    }
  }

  async #forward(message: Message): Promise<void> {
    try {
      await this.#client.say(message);
    } catch (error) {
      if (error instanceof Refused && error.status === 409) {
        // The hand-off ended in the meantime.
        this.#answer(message.text ?? "");
      } else {
        this.#show("bot", `That was not sent: ${error}`);
      }
    }
  }

  async #bringHuman(): Promise<void> {
    const handoff: Handoff = {
      id: newId(), timestamp: now(), user: USER, message: "asked for a human", transcript: [...this.#transcript],
    };
    this.#handoff = String(handoff.id);
    await this.#handOver(handoff);
  }

  /** Once more with the same is the same hand-off. */
  async #handOver(handoff: Handoff): Promise<void> {
    this.#asked = undefined;
    try {
      await this.#client.handOver(handoff);
      this.#show("bot", "I am bringing a colleague.");
    } catch (error) {
      if (error instanceof Refused) {
        this.#handoff = undefined;
        this.#show("bot", `I cannot bring a colleague: ${error}`);
      } else {
        // It may be on: the same is sent again, before what the user says next.
        this.#asked = this.#handoff === handoff.id ? handoff : undefined;
        this.#show("bot", `I do not know yet whether a colleague comes: ${error}`);
      }
    }
  }

  async #takeBack(): Promise<void> {
    try {
      // What follows comes as `handoff_ended`.
      await this.#client.takeBack(USER.id);
    } catch (error) {
      if (!(error instanceof Refused)) {
        this.#show("bot", `I do not know yet whether I am back: ${error}`);
      } else if (error.status !== 404) {
        this.#show("bot", `I cannot come back: ${error}`);
      } else if (this.#handoff !== undefined) {
        // The hand-off ended in the meantime, or never began.
        this.#handoff = undefined;
        this.#show("bot", "I am back.");
      }
    }
  }

  /** The bridge tells something, each thing once. Types that are not known are ignored. */
  readonly take = (event: Event): void => {
    switch (event.type) {
      case "message":
        this.#show(event.sender.name || event.sender.kind, event.text);
        break;
      case "agent_joined":
        this.#show("*", `${event.sender.name} of ${event.team_name} has joined`);
        break;
      case "message_returned":
        this.#answer(event.text);
        break;
      case "handoff_ended":
        if (event.handoff_id === this.#handoff) {
          this.#handoff = this.#asked = undefined;
          const missed = event.reason === "no_agent" || event.reason === "failed";
          this.#show("bot", missed ? "Nobody could join, I am sorry. I am here." : "I am back.");
        }
        break;
    }
  };
}

const { values } = parseArgs({
  options: {
    // The connection's URL, its signing secret (the default is the demo's), and the port of the callback URL,
    // http://127.0.0.1:PORT/callback.
    bridge: { type: "string", default: "http://127.0.0.1:3000/channels/my-bot" },
    secret: { type: "string", default: "whsec_aGFwdGlrLWJyaWRnZSBkZW1vOiBub3QgYSBzZWNyZXQ=" },
    listen: { type: "string", default: "4000" },
  },
});
const bot = new Bot(new Client(values.bridge, values.secret));
createServer(new Inbox(values.secret, bot.take).listener).listen(Number(values.listen), "127.0.0.1", () => {
  console.log('Say something; "agent" brings a human, "/bot" brings the bot back.');
});
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== "") await bot.hear(line.trim());
}
process.exit();

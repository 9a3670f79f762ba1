// The demo's page: the chat on one side, what happens on the other.
import { $, menus } from "./kit.js";
import * as chat from "./chat.js";
import * as hops from "./hops.js";
import "./controls.js";

menus();
chat.noted.on(hops.note);
hops.became.on(chat.became);

function live(words, colour) { $("live").textContent = words; $("live").className = `pill ${colour}`; }
const events = new EventSource("/demo/events");
events.addEventListener("open", () => live("live", "ok"));
events.addEventListener("error", () => live("reconnecting", "warn"));
events.addEventListener("hop", (event) => hops.take(event.data));
events.addEventListener("chat", (event) => chat.take(event.data));

// What is asked of the bridge, and small things that all views use.
import { $, h, str } from "./kit.js";

const HEADERS = { "x-haptik-bridge-console": "1" };

/** Asks, and answers with JSON; an error has the bridge's own words. */
export async function api(path, asked = {}, body = undefined) {
  const query = new URLSearchParams(asked).toString();
  const init = body === undefined ? { headers: HEADERS } : { method: "POST", headers: { ...HEADERS, "content-type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try { response = await fetch(`/api/${path}${query ? `?${query}` : ""}`, init); } catch { throw new Error("The console does not answer: is it still running?"); }
  if (response.ok) return response.json();
  const text = await response.text();
  let words = text;
  try { words = JSON.parse(text).error ?? text; } catch { /* as it is */ }
  throw new Error(response.status === 401 ? "This page is not open any more: open the address that the console printed." : words || `The console answered ${response.status}.`);
}

export const link = (view, asked) => `#${view}?${new URLSearchParams(asked)}`;

/** A time of day with milliseconds, in the zone of whoever looks; the date before it where it is not today. */
export function clock(at) {
  const time = new Date(at);
  if (!at || Number.isNaN(time.getTime())) return "";
  const text = `${time.toLocaleTimeString([], { hourCycle: "h23" })}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  return time.toDateString() === new Date().toDateString() ? text : `${time.toLocaleDateString()} ${text}`;
}
export const when = (at) => (at ? h("time", { datetime: at, title: str(at) }, clock(at)) : "");

export function took(ms) {
  const number = Number(ms);
  if (!Number.isFinite(number)) return "";
  return number < 1000 ? `${Math.round(number)} ms` : number < 60_000 ? `${(number / 1000).toFixed(1)} s` : `${Math.round(number / 60_000)} min`;
}

/** A button that reads on with `load`, once; what went wrong stands beside it, and it can be tried again. */
export function readOn(words, load) {
  const wrong = h("span", null);
  const button = h("button", { class: "ghost", type: "button", click: async () => {
    button.disabled = true;
    wrong.replaceChildren();
    try { await load(); } catch (error) { wrong.replaceChildren(h("span", { class: "error", role: "alert" }, error.message)); button.disabled = false; }
  } }, words);
  return [wrong, button];
}

/** Says something to those who do not see it. */
export function say(text) { $("said").textContent = text; }

/** Asks whoever looks; resolves to whether it was agreed to. */
export function ask(title, text, yes) {
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  const dialog = $("ask");
  return new Promise((resolve) => {
    const end = (agreed) => () => { dialog.close(); resolve(agreed); };
    $("ask-yes").onclick = end(true);
    $("ask-no").onclick = end(false);
    dialog.oncancel = () => resolve(false);
    dialog.showModal();
    $("ask-no").focus();
  });
}

// What happens: the hops of each message through the bridge, one row a message.
import { $, copy, h, obj, signal, str, unwrapped } from "./kit.js";
import * as users from "./users.js";

const MOST_GROUPS = 300, MOST_HOPS = 40;
const groups = new Map();      // by id: a message one way, with what became of it at the sinks
const texts = new Map();       // what messages say, by the id in their keys
const cleared = new Set();     // the ids of rows that were cleared away
const dirty = new Set();

/** Told how a message of a customer's ended, or waits: id, state, reason. */
export const became = signal();

/** Remembers what a message says, so that its row can be told from others. */
export function note(id, text) {
  texts.set(id, text);
  if (texts.size > 2000) texts.delete(texts.keys().next().value);
  for (const group of groups.values()) if (group.key.includes(id)) changed(group);
}

function textOf(group) {
  const [first, ...rest] = group.key.split("#");
  return texts.get(rest.join("#")) ?? texts.get(first.replace(/^0+/, "")) ?? texts.get(group.key) ?? "";
}

const userOf = (lane) => lane.split("#").pop();
const isLane = (lane) => /^(haptik|channel|sink|task)#/.test(lane);

/** What a sink makes of an event belongs to the message: it has the same user and the same key. */
function idOf(hop) {
  const lane = str(hop.lane);
  if (!isLane(lane)) return `none ${str(hop.correlation_id) || `${str(hop.at)} ${str(hop.hop)}`}`;
  const way = lane.startsWith("haptik#") ? "to" : lane.startsWith("task#") ? "task" : "from";
  return `${way} ${userOf(lane)} ${str(hop.key)}`;
}

export function take(raw) {
  const hop = obj(unwrapped(raw)), id = idOf(hop);
  if (cleared.has(id)) return;
  let group = groups.get(id);
  if (!group) {
    group = { id, key: str(hop.key), lane: "", direction: "none", first: Date.parse(hop.at) - (Number(hop.duration_ms) || 0), ways: new Map(), seen: new Set(), open: false, node: null, correlation: str(hop.correlation_id) };
    groups.set(id, group);
    if (groups.size > MOST_GROUPS) {
      const [oldest, gone] = groups.entries().next().value;
      groups.delete(oldest);
      dirty.delete(gone);
      gone.node?.remove();
    }
  }
  // A connection that was lost and made again brings the hops so far once more.
  if (group.seen.has(raw)) return;
  group.seen.add(raw);
  const lane = str(hop.lane), sink = lane.startsWith("sink#");
  let way = group.ways.get(lane);
  if (!way) group.ways.set(lane, way = { lane, sink: sink ? lane.split("#")[1] : "", hops: [], state: null, tries: 0, repeats: 0, correlation: str(hop.correlation_id) });
  if (isLane(lane) && (!group.lane || !sink)) { group.lane = lane; group.direction = str(hop.direction); group.correlation = str(hop.correlation_id); }
  const end = Date.parse(hop.at), took = Number(hop.duration_ms) || 0, outcome = str(hop.outcome);
  way.hops.push({ ...hop, end, start: end - took, took });
  if (way.hops.length > MOST_HOPS) way.hops.splice(4, 1);
  if (outcome === "will_retry") way.tries += 1;
  if (outcome === "repeated") way.repeats += 1;
  if (hop.hop === "delivered" || ["rejected", "not_understood", "dead"].includes(outcome)) { way.state = outcome; way.last = end; way.reason = str(hop.reason); }
  group.stale = true;
  if (lane.startsWith("haptik#")) tellOf(group.key, way);
  changed(group);
}

function tellOf(key, way) {
  const id = key.split("#").slice(1).join("#");
  if (way.state === "ok" || way.state === "nothing") became.tell(id, "delivered", "");
  else if (way.state === "dead") became.tell(id, "dead", way.reason);
  else if (way.state === "will_retry") became.tell(id, "waiting", `try ${way.tries} failed: ${way.reason}`);
}

function changed(group) {
  if (!dirty.size) setTimeout(draw, 40);
  dirty.add(group);
}
export const everything = () => { for (const group of groups.values()) changed(group); };

/** Each outcome's colour, and the state that it leaves a message in. */
const OUTCOMES = {
  ok: ["ok", "delivered"], nothing: ["idle", "nothing to do"], will_retry: ["warn", "will be tried again"], waiting: ["info", "waiting"],
  dead: ["bad", "given up"], rejected: ["bad", "turned away"], not_understood: ["warn", "kept, not understood"],
};

/** A hop in words. `tries` counts the failed ones so far. */
function wording(hop, tries) {
  const outcome = str(hop.outcome), webhook = str(hop.source).startsWith("haptik/");
  if (outcome === "will_retry") return `Try ${tries} failed`;
  if (outcome === "waiting") return "Waits";
  if (outcome === "rejected") return webhook ? "Webhook turned away" : "Turned away";
  if (outcome === "not_understood") return "Kept, not understood";
  if (outcome === "dead") return "Given up";
  if (outcome === "nothing") return "Nothing to do";
  if (hop.hop === "received") return webhook ? "Webhook received" : "Received";
  const names = { appended: "Appended", sent_to_haptik: "Sent to Haptik", rendered: "Rendered", sent_to_channel: "Sent", delivered: "Done" };
  return names[hop.hop] ?? str(hop.hop).replaceAll("_", " ");
}

function time(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

function clock(ms) {
  const at = new Date(ms);
  return `${at.toLocaleTimeString([], { hourCycle: "h23" })}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

function strip(way) {
  const parts = [];
  let until = null, tries = 0, received = false;
  for (const hop of way.hops) {
    if (hop.outcome === "repeated" || (hop.hop === "received" && received)) continue;
    received ||= hop.hop === "received";
    if (hop.outcome === "will_retry") tries += 1;
    if (until !== null) {
      const gap = hop.start - until, waited = gap >= 3 && !["received", "appended"].includes(hop.hop);
      parts.push(h("span", { class: "wait" }, waited ? h("span", null, time(gap)) : ""));
    }
    until = Math.max(until ?? hop.end, hop.end);
    parts.push(h("span", { class: `hop ${(OUTCOMES[hop.outcome] ?? ["idle"])[0]}` }, wording(hop, tries), h("i", null, time(hop.took))));
  }
  return parts;
}

function titleOf(group, main) {
  if (group.direction === "to_haptik") return "User to Haptik";
  if (group.direction === "to_channel") return "Haptik to user";
  if (group.direction === "to_sink") return "Haptik to sinks";
  return main.state === "rejected" ? "A request without a good signature" : main.state === "not_understood" ? "A request that is not understood" : "The bridge itself";
}

const mainOf = (group) => group.ways.get(group.lane) ?? group.ways.values().next().value;
const isIdle = (way) => way.state === "nothing";

function isShown(group) {
  const main = mainOf(group), auth = users.user().auth_id;
  if (!$("idle").checked && main.sink && [...group.ways.values()].every(isIdle)) return false;
  if (group.direction === "none" && main.hops[0].hop !== "received") return $("idle").checked;
  if ($("mine").checked && isLane(group.lane) && userOf(group.lane) !== auth) return false;
  const wanted = $("find").value.trim().toLowerCase();
  return !wanted || [textOf(group), group.key, group.lane, ...[...group.ways.values()].map((way) => `${way.correlation} ${way.reason ?? ""} ${way.state ?? ""}`)].some((text) => text.toLowerCase().includes(wanted));
}

function draw() {
  for (const group of dirty) {
    if (!group.node) build(group);
    group.node.hidden = !isShown(group);
    const main = mainOf(group);
    const [colour, words] = OUTCOMES[main.state] ?? ["info", "under way"];
    const tried = main.state === "ok" && main.tries ? `${words} at try ${main.tries + 1}` : words;
    const span = Math.max(...main.hops.map((hop) => hop.end), main.last ?? 0) - main.hops[0].start;
    const text = textOf(group).slice(0, 160).replace(/\s+/g, " ").replace(/\*(\S[^*]*)\*/g, "$1");
    group.node.className = `group ${group.direction}`;
    group.head.replaceChildren(h("span", { class: "at" }, clock(group.first)), h("span", { class: "dir" }, titleOf(group, main)), h("span", { class: "snip" }, text),
      h("span", { class: "total" }, time(Math.max(span, 0))),
      main.repeats ? h("span", { class: "pill info" }, `came again${main.repeats > 1 ? ` ${main.repeats} times` : ""}: ignored`) : "", h("span", { class: `pill ${colour}` }, tried));
    const sinks = [...group.ways.values()].filter((way) => way !== main && way.hops.length && ($("idle").checked || !isIdle(way)));
    group.strip.replaceChildren(h("span", { class: "strip" }, strip(main)),
      ...sinks.map((way) => h("span", { class: "strip sink" }, h("span", { class: "sub" }, way.sink ? `⇢ sink ${way.sink}` : "⇢"), strip(way))));
    if (group.open && group.stale) fill(group);
    place(group);
  }
  dirty.clear();
  count();
}

function build(group) {
  group.strip = h("span", { class: "strips" });
  group.head = h("span", { class: "head" });
  group.detail = h("div", { class: "detail", id: `d-${groups.size}-${group.first}`, hidden: true });
  group.button = h("button", { type: "button", "aria-expanded": "false", "aria-controls": group.detail.id, click: () => toggle(group) }, group.head, group.strip);
  group.node = h("li", { class: "group fresh" }, group.button, group.detail);
}

/** The newest first: a row stands where its message was delivered, one that is under way at the top. */
function place(group) {
  const main = mainOf(group), order = main.last ?? Infinity, rows = $("rows");
  if (group.node.isConnected && group.order === order) return;
  group.order = order;
  group.node.row = group;
  // An open row stays where somebody reads it.
  if (group.node.isConnected && group.open) return;
  const before = [...rows.children].find((node) => node !== group.node && node.row.order <= order);
  if (before) before.before(group.node); else rows.append(group.node);
}

function count() {
  const seen = [...groups.values()].filter(isShown);
  const sum = (of) => seen.reduce((total, group) => total + of(mainOf(group), group), 0);
  const counted = [[sum((way) => way.state === "ok"), "delivered"], [sum((_, group) => [...group.ways.values()].reduce((total, way) => total + way.tries, 0)), "retries"],
    [sum((way) => way.repeats), "repeats ignored"], [sum((way) => way.state === "rejected"), "turned away"], [sum((way) => way.state === "not_understood"), "not understood"],
    [sum((_, group) => [...group.ways.values()].filter((way) => way.state === "dead").length), "given up"]];
  const told = counted.filter(([number], index) => index === 0 || number > 0);
  $("counts").replaceChildren(...told.flatMap(([number, words], index) => [index ? " · " : "", h("b", null, number), ` ${words}`]));
  $("empty").hidden = seen.length > 0;
}

function toggle(group) {
  group.open = !group.open;
  group.button.setAttribute("aria-expanded", String(group.open));
  group.detail.hidden = !group.open;
  if (group.open) fill(group);
}

async function fill(group) {
  group.stale = false;
  const ways = [...group.ways.values()];
  const entries = await Promise.all(ways.map((way) => entryOf(group, way)));
  group.detail.replaceChildren(...ways.flatMap((way, index) => details(group, way, entries[index])));
}

async function entryOf(group, way) {
  if (!isLane(way.lane)) return { missing: way.state === "not_understood" ? "It is kept as a dead letter." : "Nothing was stored of it." };
  try {
    const response = await fetch(`/demo/entry?${new URLSearchParams({ lane: way.lane, key: group.key })}`);
    if (response.ok) return obj(await response.json());
    return { missing: response.status === 404 ? "The ledger has no such entry any more." : `The ledger cannot be read (${response.status}).` };
  } catch { return { missing: "The demo does not answer." }; }
}

function details(group, way, entry) {
  const reason = str(entry.reason) || way.reason || "";
  const failed = entry.state === "delivered" && reason ? "last failure" : "reason";
  const facts = [["sink", way.sink], ["correlation id", way.correlation], ["lane", way.lane], ["key", isLane(way.lane) ? group.key : ""], ["source", str(way.hops[0].source)],
    ["state", str(entry.state)], ["failed tries", str(entry.attempts)], [failed, reason], ["received at", str(entry.received_at)], ["ended at", str(entry.ended_at)]];
  const hops = h("table", null, h("caption", { class: "hear" }, "Hops"), h("thead", null, h("tr", null, ["Time", "Hop", "Took", "Why"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, way.hops.map((hop) => h("tr", null, h("td", null, clock(hop.end)), h("td", null, `${str(hop.hop)}: ${str(hop.outcome)}`), h("td", null, time(hop.took)), h("td", null, str(hop.reason))))));
  const payload = entry.payload === undefined ? str(entry.missing) : JSON.stringify(entry.payload, null, 2);
  const buttons = entry.payload === undefined ? [] : [h("button", { class: "ghost", type: "button", click: ({ target }) => copy(payload, target) }, "Copy the payload")];
  if (entry.state === "dead") buttons.push(h("button", { class: "primary", type: "button", click: ({ target }) => again(group, way, target) }, "Deliver again"));
  return [h("div", null, h("dl", null, facts.filter(([, value]) => value !== "").flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)])), hops, h("div", { class: "row pad" }, buttons)),
    h("pre", { tabindex: "0", role: "region", "aria-label": `Payload${way.sink ? ` for ${way.sink}` : ""}` }, payload)];
}

async function again(group, way, button) {
  button.disabled = true;
  const response = await fetch("/demo/replay", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ lane: way.lane, key: group.key }) });
  button.textContent = response.ok ? "It is delivered again" : `Not taken up (${response.status})`;
}

$("clear").addEventListener("click", () => {
  for (const group of groups.values()) { cleared.add(group.id); group.node?.remove(); }
  try { sessionStorage.setItem("haptik-bridge-cleared", JSON.stringify([...cleared].slice(-2000))); } catch { /* for this page only */ }
  groups.clear(); dirty.clear(); count();
});
try { for (const id of JSON.parse(sessionStorage.getItem("haptik-bridge-cleared") ?? "[]")) cleared.add(id); } catch { /* none */ }
for (const id of ["mine", "idle"]) $(id).addEventListener("change", everything);
$("find").addEventListener("input", everything);
users.changed.on(everything);
count();

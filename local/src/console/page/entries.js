// Messages: what was found, a user's conversation, and each message with its hops.
import { person as person_data } from "./privacy.js";
import { copy, h, list, obj, str } from "./kit.js";
import { api, clock, link, readOn, took, when } from "./api.js";
import { replayed } from "./replay.js";

const STATES = { pending: ["info", "pending"], delivered: ["ok", "delivered"], dead: ["bad", "given up"] };
const OUTCOMES = { ok: "ok", nothing: "", repeated: "", waiting: "info", will_retry: "warn", rejected: "bad", not_understood: "warn", dead: "bad" };

/** Which way an entry goes. */
export function way(entry) {
  const [kind, name] = str(entry.lane).split("#");
  return { haptik: "user → Haptik", channel: "Haptik → user", task: "bridge → user", sink: `Haptik → ${name}`, not_understood: `not understood, from ${name}` }[kind] ?? kind;
}

/** A row that opens. */
export function row(entry, open = false) {
  const [colour, word] = STATES[entry.state] ?? ["", str(entry.state)];
  const tries = entry.attempts ? `${entry.attempts} failed ${entry.attempts === 1 ? "try" : "tries"}` : "";
  const detail = h("div", { class: "detail", hidden: true });
  const head = h("button", { class: "head", type: "button", "aria-expanded": "false" },
    h("span", { class: "at" }, when(entry.received_at)), h("span", { class: "way" }, way(entry)), h("span", { class: `pill ${colour}` }, word),
    h("span", { class: "sub" }, [str(entry.source), tries, entry.revived_at ? "replayed" : ""].filter(Boolean).join(" · ")),
    entry.reason ? h("span", { class: "why" }, `${(entry.state === "delivered" && (entry.attempts || entry.revived_at)) || (entry.state === "pending" && entry.revived_at && !entry.attempts) ? "before: " : ""}${str(entry.reason)}`) : "");
  const toggle = async () => {
    detail.hidden = !detail.hidden;
    head.setAttribute("aria-expanded", String(!detail.hidden));
    if (!detail.hidden && !detail.hasChildNodes()) await fill(detail, entry);
  };
  head.addEventListener("click", toggle);
  const node = h("li", null, head, detail);
  if (open) toggle();
  return node;
}

async function fill(detail, { lane, key }) {
  detail.replaceChildren(h("p", { class: "sub" }, "Reading…"));
  try {
    const entry = obj(await api("entry", { lane, key }));
    const hops = h("div", null, h("p", { class: "sub" }, "Looking for its hops…"));
    detail.replaceChildren(...about(entry), h("h3", null, "Hops"), hops);
    try { hops.replaceChildren(...steps(obj(await api("steps", { lane, key })))); } catch (error) { hops.replaceChildren(h("p", { class: "error" }, error.message)); }
  } catch (error) { detail.replaceChildren(h("p", { class: "error", role: "alert" }, error.message)); }
}

function about(entry) {
  const ids = list(entry.message_ids).join(", ");
  const facts = [["why", str(entry.reason)], ["in its own words", str(entry.detail)], ["correlation id", entry.correlation_id && h("code", null, str(entry.correlation_id))],
    ["user", entry.user && h("a", { href: link("user", { user: entry.user }) }, str(entry.user))], ["source", str(entry.source)], ["failed tries", str(entry.attempts)],
    ["crashes", entry.crashes ? str(entry.crashes) : ""], ["took too long", entry.overruns ? `${entry.overruns} times` : ""], ["ids", ids], ["written at", when(entry.at)], ["received at", when(entry.received_at)],
    ["ended at", when(entry.ended_at)], ["replayed at", when(entry.revived_at)], ["lane", h("code", null, str(entry.lane))], ["key", h("code", null, str(entry.key))]];
  const place = { lane: entry.lane, key: entry.key };
  const buttons = [h("button", { class: "ghost", type: "button", click: ({ target }) => copy(`${location.origin}/${link("entry", place)}`, target) }, "Copy the link")];
  if (entry.user) buttons.push(h("a", { class: "ghost", href: link("user", { user: entry.user }) }, "The conversation"));
  const progress = h("div", null);
  if (entry.state === "dead") buttons.unshift(h("button", { class: "primary", type: "button", click: () => replayed({ places: [place], count: 1 }, progress) }, "Deliver again"));
  const payload = entry.payload === undefined ? h("p", { class: "sub" }, "What was said is shown by a console that was started with --bodies.")
    : h("pre", { tabindex: "0", role: "group", "aria-label": "What was said" }, JSON.stringify(entry.payload, null, 2));
  return [h("dl", null, facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)])), h("div", { class: "row" }, buttons), progress, payload];
}

/** The steps of a message in the order of their times: hops, and what was sent and answered at each try. */
function steps({ steps: all, missing }) {
  const nodes = list(all).map((step) => h("li", null, h("span", { class: "at" }, clock(step.exchange?.began ?? step.at)), step.exchange ? exchange(obj(step.exchange)) : hop(obj(step))));
  const none = missing ? [h("p", { class: "sub" }, str(missing))] : [];
  return nodes.length ? [h("ol", { class: "steps" }, nodes), ...none] : none;
}

function hop(step) {
  return h("span", null, h("span", { class: `pill ${OUTCOMES[step.outcome] ?? ""}` }, str(step.outcome).replaceAll("_", " ")), ` ${str(step.hop).replaceAll("_", " ")}`,
    h("span", { class: "sub" }, ` ${str(step.source)}${step.duration_ms === undefined ? "" : ` · took ${took(step.duration_ms)}`}`), step.reason ? h("div", { class: "sub" }, str(step.reason)) : "");
}

function exchange({ call, request, answer, took_ms }) {
  const sent = obj(request), came = obj(answer), status = came.error ? str(came.error) : str(came.status);
  const good = came.status >= 200 && came.status < 300;
  const body = (side) => (side.body === undefined ? (side.body_bytes ? `(${side.body_bytes} bytes; shown with --bodies)` : "") : str(side.body));
  const text = (first, side) => [first, ...list(side.headers).map(([name, value]) => `${name}: ${value}`), "", body(side)].join("\n").trim();
  return h("details", { class: "exchange" }, h("summary", null, h("span", { class: `pill ${good ? "ok" : "bad"}` }, status), ` ${str(sent.method)} ${str(sent.url)} `, h("span", { class: "sub" }, `to ${str(call)} · ${took(took_ms)}`)),
    h("div", null, h("h4", { class: "sub" }, "What was sent"), h("pre", { tabindex: "0", role: "group", "aria-label": "What was sent" }, text(`${str(sent.method)} ${str(sent.url)}`, sent)),
      h("h4", { class: "sub" }, "What came back"), h("pre", { tabindex: "0", role: "group", "aria-label": "What came back" }, text(status, came)),
      h("div", null, h("button", { class: "ghost", type: "button", click: ({ target }) => copy(curl(sent), target) }, "Copy as cURL"))));
}

/** A request as a command, without its secrets. */
export function curl(sent) {
  const quoted = (text) => `'${str(text).replaceAll("[…]", "YOUR-SECRET").replaceAll("'", "'\\''")}'`;
  const parts = [`curl -X ${str(sent.method)} ${quoted(sent.url)}`, ...list(sent.headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`)];
  if (sent.body) parts.push(`--data-raw ${quoted(sent.body)}`); else if (sent.body_bytes) parts.push("--data @body.json");
  return parts.join(" \\\n  ");
}

function person(user) {
  const name = user.connection ? `${str(user.connection)}/${str(user.channel_user)}` : str(user.auth_id);
  return h("li", null, h("a", { class: "head", href: link("user", { user: user.auth_id }) }, h("span", { class: "way" }, name), user.answered_by ? h("span", { class: "pill" }, `answered by ${user.answered_by}`) : "",
    user.last_activity ? h("span", { class: "sub" }, "last wrote ", when(user.last_activity)) : ""));
}

/** What has a name. One message alone is opened at once: its cause is a look away. */
export async function find({ q = "" }) {
  document.getElementById("q").value = q;
  const { entries, users, more_users } = obj(await api("find", { q }));
  const nodes = [h("h2", null, `What is called “${q}”`)];
  if (!list(entries).length && !list(users).length) {
    nodes.push(h("p", null, "Nothing has this name. It may be older than the ledger keeps, or written by a version before this one."),
      h("p", { class: "sub" }, "Looked for: a correlation id, an id of Haptik’s, of a channel or of an application, a permalink of Slack, the number or link of a ticket, a key of the ledger, an auth_id, CONNECTION/USER, a channel’s own id of a user."));
  }
  if (list(entries).length) nodes.push(h("section", { class: "panel" }, h("h2", null, "Messages"), h("ul", { class: "rows" }, list(entries).map((entry, _, all) => row(entry, all.length === 1)))));
  if (list(users).length) nodes.push(h("section", { class: "panel" }, h("h2", null, "Users"), h("ul", { class: "rows" }, list(users).map(person)),
    more_users ? h("p", { class: "sub" }, "There are more of that name: the command line's timeline finds them all.") : ""));
  return nodes;
}

export async function recent() {
  const { users } = obj(await api("recent"));
  return [h("h2", null, "Conversations of the last two days"), h("section", { class: "panel" }, list(users).length ? h("ul", { class: "rows" }, list(users).map(person)) : h("p", { class: "sub" }, "None is known. Find a user or a message above."))];
}

export async function conversation({ user = "" }) {
  const rows = h("ul", { class: "rows" }), more = h("div", { class: "row end" });
  const load = async (before) => {
    const page = obj(await api("conversation", before ? { user, before: JSON.stringify(before) } : { user }));
    rows.append(...list(page.entries).map((entry) => row(entry)));
    more.replaceChildren(...(page.next ? readOn("Older ones", () => load(page.next)) : []));
    return page;
  };
  const page = await load();
  const known = obj(page.user);
  const name = known.connection ? `${str(known.connection)}/${str(known.channel_user)}` : user;
  return [h("h2", null, name), h("p", { class: "sub" }, `auth_id ${user}${known.answered_by ? ` · answered by ${known.answered_by}` : ""}${known.registered === false ? " · not registered at Haptik" : ""} · the last first`),
    h("section", { class: "panel" }, list(page.entries).length ? rows : h("p", { class: "sub" }, "The ledger has nothing of this user."), more), person_data(user)];
}

export async function single({ lane = "", key = "" }) {
  const entry = obj(await api("entry", { lane, key }));
  return [h("h2", null, "One message"), h("section", { class: "panel" }, h("ul", { class: "rows" }, row(entry, true)))];
}

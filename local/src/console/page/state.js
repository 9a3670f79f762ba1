// How the bridge is; the outages; who looked and replayed.
import { h, list, obj, str } from "./kit.js";
import { api, took, when } from "./api.js";

function table(title, columns, rows, none) {
  const body = rows.length ? h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": title }, h("table", null, h("caption", { class: "hear" }, title), h("thead", null, h("tr", null, columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, rows.map((cells) => h("tr", null, cells.map((cell) => h("td", null, cell))))))) : h("p", { class: "sub" }, none);
  return h("section", { class: "panel" }, h("h2", null, title), body);
}

const pill = (colour, text) => h("span", { class: `pill ${colour}` }, text);

function sinkState(sink) {
  if (sink.attention) return [pill("bad", "needs attention"), " since ", when(sink.since), h("div", { class: "sub" }, str(sink.attention))];
  if (sink.failures >= 3) return [pill("bad", "is down"), ` ${sink.failures} failures in a row`];
  if (sink.closed_until) return [pill("warn", "paused"), " until ", when(sink.closed_until)];
  return sink.failures ? [pill("warn", `${sink.failures} failures`)] : [pill("ok", "works")];
}

export async function state() {
  const [now, away] = await Promise.all([api("state"), api("turned-away")]);
  const accounts = list(now.accounts).map((account) => [str(account.name), account.silent_seconds ? pill("warn", `silent for ${took(account.silent_seconds * 1000)}`) : account.unattended ? pill("warn", "not enabled for hours") : pill("ok", "works"), when(account.told), when(account.heard), when(account.enabled)]);
  const nodes = [table("Sinks", ["Name", "Type", "State"], list(now.sinks).map((sink) => [str(sink.name), str(sink.type), sinkState(sink)]), "There is no sink, or the configuration is not known."),
    table("Haptik", ["Account", "Webhook", "Last told", "Last heard", "Last enabled"], accounts, "The configuration is not known: start the console with --config."),
    table("Connections", ["Name", "Type", "Account", "Queue"], list(now.connections).map((one) => [str(one.name), str(one.type), str(one.account), str(one.business_id)]), "The configuration is not known.")];
  if (Array.isArray(away.steps)) nodes.push(table("Turned away lately", ["When", "Where", "Why"], away.steps.map((step) => [when(step.at), str(step.source), str(step.reason)]), "No request was turned away since the bridge was started."));
  return nodes;
}

const CAUSES = { deliveries_had_waited: "an outage: deliveries had waited", missing_in_the_ledger: "an outage: a transcript had what was never delivered" };

export async function outages() {
  const { outages: all, more } = obj(await api("outages"));
  const rows = list(all).map((one) => [str(one.account), when(one.began), one.ended ? when(one.ended) : pill("bad", "goes on"), CAUSES[one.proof] ?? (one.cause === "unattended" ? "unattended, nothing known to be lost" : "a silence that nothing proves"),
    `${one.more_findings ? "at least " : ""}${list(one.recovered).length} recovered, ${list(one.unchecked).length} not compared`, str(one.reason)]);
  return [table("Outages of Haptik’s webhook, four weeks", ["Account", "Began", "Ended", "What it was", "Messages", "Last failure"], rows, "None."), more ? h("p", { class: "sub" }, "Only the last 50 are shown.") : ""];
}

const DID = { looked: "looked at what was said", replayed: "had delivered again", exported: "exported", forgot: "forgot", "forgot again": "forgot again" };

export async function audit() {
  const rows = h("tbody", null), more = h("div", { class: "row end" });
  const load = async (before) => {
    const page = obj(await api("audit", before ? { before: JSON.stringify(before) } : {}));
    rows.append(...list(page.records).map((one) => h("tr", null, [when(one.at), str(one.who), DID[one.did] ?? str(one.did), str(one.count), h("code", null, str(one.what))].map((cell) => h("td", null, cell)))));
    more.replaceChildren(...(page.next ? readOn("Older ones", () => load(page.next)) : []));
    return list(page.records).length;
  };
  const found = await load();
  const all = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Who looked, replayed, exported and forgot" }, h("table", null, h("thead", null, h("tr", null, ["When", "Who", "What", "How many", "The first of them"].map((name) => h("th", { scope: "col" }, name)))), rows));
  return [h("section", { class: "panel" }, h("h2", null, "Who looked, replayed, exported and forgot"), found ? all : h("p", { class: "sub" }, "Nobody yet."), more)];
}

// What was given up, by its cause.
import { h, list, obj, str } from "./kit.js";
import { api } from "./api.js";
import { row, way } from "./entries.js";
import { replayed } from "./replay.js";

const MOST = 500;
const placeOf = ({ lane, key }) => ({ lane, key });

/** The cause of an entry: where it goes, and why it was given up, without the numbers that differ. */
export function causeOf(entry) {
  const where = way(entry), reason = str(entry.reason) || "no reason is known";
  return { key: `${where} ${reason.replace(/[0-9a-f]{8,}|\d{4,}/gi, "…")}`, where, reason };
}

export async function dead() {
  const loaded = [], groups = h("div", null), more = h("div", { class: "row end" }), title = h("h2", null, "");
  const chosen = new Map(), bar = h("div", { class: "row" }), progress = h("div", null);
  let total = 0, least = false;
  const draw = () => {
    title.textContent = total ? `${least ? "More than " : ""}${total} given up` : "Nothing was given up, as far as entries are kept";
    const causes = new Map();
    for (const entry of loaded) { const cause = causeOf(entry); (causes.get(cause.key) ?? causes.set(cause.key, { ...cause, entries: [] }).get(cause.key)).entries.push(entry); }
    const ordered = [...causes.values()].sort((a, b) => b.entries.length - a.entries.length);
    groups.replaceChildren(...ordered.map((cause) => group(cause, ordered.length === 1)));
    select();
  };
  const select = () => {
    const count = chosen.size;
    bar.replaceChildren(h("button", { class: "primary", type: "button", disabled: !count || count > MOST, click: async () => { await replayed([...chosen.values()].map(placeOf), progress); chosen.clear(); await reload(); } }, count ? `Deliver the ${count} that ${count === 1 ? "is" : "are"} chosen again` : "Deliver what is chosen again"),
      h("span", { class: "sub" }, count > MOST ? `${MOST} at a time` : `${loaded.length} of ${least ? "more than " : ""}${total} are shown`));
  };
  function group({ where, reason, entries }, open) {
    const boxes = entries.map((entry) => {
      const id = `${entry.lane} ${entry.key}`;
      const box = h("input", { type: "checkbox", "aria-label": `Choose the message of ${str(entry.received_at)}`, change: () => { if (box.checked) chosen.set(id, entry); else chosen.delete(id); select(); } });
      box.checked = chosen.has(id);
      return { box, entry, id };
    });
    const here = h("div", null);
    const all = h("button", { class: "ghost", type: "button", click: () => { const on = !boxes.every(({ box }) => box.checked); for (const { box, entry, id } of boxes) { box.checked = on; if (on) chosen.set(id, entry); else chosen.delete(id); } select(); } }, "Choose all of these");
    const again = h("button", { class: "primary", type: "button", disabled: entries.length > MOST, click: async () => { await replayed(entries.map(placeOf), here); await reload(); } }, `Deliver these ${entries.length} again`);
    return h("details", { class: "panel group", open }, h("summary", null, `${entries.length} × ${where}: ${reason}`),
      h("div", null, h("div", { class: "row" }, again, all), here, h("ul", { class: "rows" }, boxes.map(({ box, entry }) => { const node = row(entry); node.className = "chosen"; node.replaceChildren(box, h("div", null, ...node.childNodes)); return node; }))));
  }
  const load = async (after) => {
    const page = obj(await api("dead", after ? { after: JSON.stringify(after) } : {}));
    loaded.push(...list(page.entries));
    if (page.count !== null && page.count !== undefined) { total = page.count; least = page.count_is_least; }
    total = Math.max(total, loaded.length);
    more.replaceChildren(page.next ? h("button", { class: "ghost", type: "button", click: () => load(page.next) }, "200 more") : "");
    draw();
  };
  const reload = async () => { loaded.length = 0; total = 0; await load(); };
  await load();
  return [title, h("p", { class: "sub" }, "By cause, the most frequent first. Mend the cause, then have them delivered again."), bar, progress, groups, more];
}

// What was given up, by its cause.
import { h, list, obj, str } from "./kit.js";
import { api, readOn, when } from "./api.js";
import { row, way } from "./entries.js";
import { replayed } from "./replay.js";

const MOST = 500;
const placeOf = ({ lane, key }) => ({ lane, key });
const many = ({ count, is_least }) => `${is_least ? "at least " : ""}${count}`;
const nameOf = (cause) => (cause.way ? `${way({ lane: cause.way })}: ${str(cause.reason) || "no reason is known"}` : "given up by a version before this one");

export async function dead() {
  const causes = new Map(), groups = h("div", null), more = h("div", { class: "row end" }), title = h("h2", null, "");
  let time = {};
  const chosen = new Map(), bar = h("div", { class: "row" }), progress = h("div", null);
  // How far it is with each that was asked for stays above the list, which is read anew.
  const place = () => { const one = h("div", null); progress.prepend(one); return one; };
  const select = () => {
    const count = chosen.size;
    bar.replaceChildren(h("button", { class: "primary", type: "button", disabled: !count || count > MOST, click: async () => { if (await replayed({ places: [...chosen.values()].map(placeOf), count }, place())) await reload(); } }, count ? `Deliver the ${count} that ${count === 1 ? "is" : "are"} chosen again` : "Deliver what is chosen again"),
      h("span", { class: "sub" }, count > MOST ? `${MOST} at a time` : ""));
  };
  function group(cause, open) {
    const { id, count, is_least } = cause, { since, until } = time, rows = h("ul", { class: "rows" }), older = h("div", { class: "row end" }), boxes = [];
    const load = async (after) => {
      const page = obj(await api(`dead/${encodeURIComponent(id)}`, { since, until, ...(after ? { after: JSON.stringify(after) } : {}) }));
      rows.append(...list(page.entries).map((entry) => {
        const name = `${entry.lane} ${entry.key}`;
        const box = h("input", { type: "checkbox", "aria-label": `Choose the message of ${str(entry.received_at)}`, change: () => { if (box.checked) chosen.set(name, entry); else chosen.delete(name); select(); } });
        boxes.push(box);
        const node = row(entry);
        node.className = "chosen";
        node.replaceChildren(box, h("div", null, ...node.childNodes));
        return node;
      }));
      older.replaceChildren(...(page.next ? readOn("Older ones", () => load(page.next)) : []));
    };
    const all = h("button", { class: "ghost", type: "button", click: () => { const on = !boxes.every((box) => box.checked); for (const box of boxes) { box.checked = on; box.dispatchEvent(new Event("change")); } } }, "Choose all that are shown");
    const again = h("button", { class: "primary", type: "button", click: async () => { if (await replayed({ cause: id, since, until, count, is_least }, place())) await reload(); } }, is_least ? `Deliver all of these again` : `Deliver ${count === 1 ? "this 1" : `these ${count}`} again`);
    const node = h("details", { class: "panel group" }, h("summary", null, `${many(cause)} × ${nameOf(cause)}`, h("span", { class: "sub" }, " the last ", when(cause.last))),
      h("div", null, h("div", { class: "row" }, again, all), rows, older));
    let begun = false;
    const begin = async () => {
      if (begun) return;
      begun = true;
      try { await load(); } catch (error) { rows.replaceChildren(h("li", { class: "error", role: "alert" }, error.message)); }
    };
    node.addEventListener("toggle", () => { if (node.open) begin(); });
    node.open = open;
    return node;
  }
  const load = async (after) => {
    const page = obj(await api("dead", after ? { after, ...time } : {}));
    time = { since: page.since, until: page.until };
    for (const cause of list(page.causes)) {
      const known = causes.get(cause.id);
      if (known) { known.count += cause.count; known.is_least ||= cause.is_least; } else causes.set(cause.id, cause);
    }
    const ordered = [...causes.values()].sort((a, b) => b.count - a.count), total = ordered.reduce((sum, { count }) => sum + count, 0);
    const is_least = Boolean(page.next) || ordered.some((cause) => cause.is_least);
    title.textContent = total ? `${is_least ? "At least " : ""}${total} given up` : "Nothing was given up, as far as entries are kept";
    chosen.clear();
    groups.replaceChildren(...ordered.map((cause) => group(cause, ordered.length === 1)));
    more.replaceChildren(...(page.next ? readOn("More causes", () => load(page.next)) : []));
    select();
  };
  const reload = async () => { causes.clear(); await load(); };
  await load();
  return [title, h("p", { class: "sub" }, "By cause, the most frequent first. Mend the cause, then have them delivered again."), bar, progress, groups, more];
}

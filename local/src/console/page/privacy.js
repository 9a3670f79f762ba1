// A person's data: exported, and forgotten, once the person's id was typed in.
import { $, h, list, obj, str } from "./kit.js";
import { api, say } from "./api.js";

const EVERY = 1000;

/** What stands below a conversation. */
export function person(user) {
  const where = h("div", null);
  const open = h("button", { class: "ghost", type: "button", click: () => shown(user, where) }, "Export or forget this person…");
  where.append(open);
  return h("section", { class: "panel" }, where);
}

async function shown(user, where) {
  const open = where.querySelector("button"), reading = h("p", { role: "status" }, "The table is read…");
  open.disabled = true;
  where.querySelector(".error")?.remove();
  where.append(reading);
  let known;
  try { known = obj(await api("person", { user })); } catch (error) { open.disabled = false; reading.replaceWith(h("p", { class: "error", role: "alert" }, error.message)); return; }
  const name = str(list(known.names)[0]), counts = Object.entries(obj(known.counts));
  const typed = h("input", { type: "text", autocomplete: "off", spellcheck: "false", "aria-label": `Type ${name}` });
  const cut = h("input", { type: "checkbox" }), status = h("div", { role: "status" });
  const body = () => ({ user, typed: typed.value.trim(), cut_off: cut.checked });
  const failing = async (work) => { try { await work(); } catch (error) { status.replaceChildren(h("p", { class: "error", role: "alert" }, error.message)); } };
  const exported = () => failing(async () => {
    const json = JSON.stringify(await api("person/export", {}, body()), null, 2);
    const url = URL.createObjectURL(new Blob([json], { type: "application/json" }));
    const link = h("a", { href: url, download: "export.json" }, "export.json");
    status.replaceChildren(h("p", null, "All that is known is in ", link, "."));
    link.click();
  });
  // In the place of the person: whoever leaves the page meanwhile can come back to it.
  const forgetting = () => failing(async () => {
    const { job } = obj(await api("person/forget", {}, body()));
    $("q").value = "";
    location.replace(`#forgotten?${new URLSearchParams({ job })}`);
  });
  where.replaceChildren(h("h3", null, "Export or forget this person"),
    h("p", null, `${name}: ${counts.map(([kind, count]) => `${str(count)} ${kind}`).join(", ") || "nothing"}.`),
    h("p", { class: "sub" }, "Export first: afterwards nobody knows which tickets and messages there are elsewhere. Both are recorded, with your name."),
    h("label", null, "Type ", h("code", null, name), " to go on: ", typed),
    h("label", null, cut, " Cut off what is under way, and don't wait for it"),
    h("div", { class: "row end" },
      h("button", { class: "ghost", type: "button", disabled: known.bodies ? null : "", title: known.bodies ? "" : "It has what was said: start the console with --bodies", click: exported }, "Export"),
      h("button", { type: "button", click: forgetting }, "Forget")),
    status, h("details", null, h("summary", null, "What lies elsewhere"), places(known.elsewhere)));
  typed.focus();
}

/** How far forgetting somebody has come, and then the receipt: nothing of the person is on the page, nor in its address. */
export async function forgotten({ job: number = "" }) {
  const panel = h("section", { class: "panel" }, h("p", { role: "status" }, "Begun…"));
  const follow = async () => {
    for (;;) {
      const job = obj(await api(`person/forget/${encodeURIComponent(number)}`));
      if (job.done && job.receipt) say("The person is forgotten.");
      if (job.done) { panel.replaceChildren(...(job.receipt ? receipt_of(obj(job.receipt), str(job.error)) : [h("p", { class: "error", role: "alert" }, str(job.error))])); return; }
      panel.replaceChildren(h("p", { role: "status" }, str(job.says) || "Begun…"));
      await new Promise((next) => setTimeout(next, EVERY));
      if (!panel.isConnected) return;
    }
  };
  follow().catch((error) => panel.replaceChildren(h("p", { class: "error", role: "alert" }, error.message)));
  return [h("h2", null, "Forgotten"), panel];
}

function receipt_of(receipt, error) {
  const removed = Object.entries(obj(receipt.removed)).map(([kind, count]) => `${str(count)} ${kind}`);
  return [error ? h("p", { class: "error", role: "alert" }, error) : "",
    h("p", null, `Removed: ${removed.join(", ") || "nothing"}.`), receipt.cut_off ? h("p", null, `Cut off: ${str(receipt.cut_off)} deliveries.`) : "",
    h("p", null, "Tombstone: ", list(receipt.tombstones).map((hash) => h("code", null, `${str(hash)} `))),
    h("p", null, "Not in the bridge's table, and so not removed:"), places(receipt.elsewhere)];
}

function places(elsewhere) {
  return h("ul", null, list(elsewhere).map((one) => h("li", null, h("b", null, str(one.place)), ` ${str(one.how)}`)));
}

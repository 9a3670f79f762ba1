// The console's frame: what is asked of the bridge, which view is shown, and what all views use.
import { $, h, obj, str } from "./kit.js";
import { conversation, find, recent, single } from "./entries.js";
import { dead } from "./dead.js";
import { audit, outages, state } from "./state.js";
import { preview } from "./preview.js";
import { forgotten } from "./privacy.js";
import { api } from "./api.js";

const VIEWS = { recent, find, user: conversation, entry: single, dead, state, outages, preview, audit, forgotten };
let shown = 0;

/** Shows what the address names: `#view` or `#view?name=value`. Only the last of several that were asked for is shown. */
async function show() {
  const [name, query = ""] = location.hash.slice(1).split("?");
  const view = VIEWS[name] ?? recent, asked = Object.fromEntries(new URLSearchParams(query));
  const number = ++shown;
  for (const tab of document.querySelectorAll("#tabs a")) {
    if (tab.hash === `#${VIEWS[name] ? name : "recent"}`) tab.setAttribute("aria-current", "page"); else tab.removeAttribute("aria-current");
  }
  $("view").setAttribute("aria-busy", "true");
  let nodes;
  try { nodes = await view(asked); } catch (error) { nodes = [h("p", { class: "error", role: "alert" }, str(error.message))]; }
  if (number !== shown) return;
  $("view").replaceChildren(...nodes);
  $("view").removeAttribute("aria-busy");
  if (name) $("view").focus({ preventScroll: true });
}

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const q = $("q").value.trim(), hash = `#find?${new URLSearchParams({ q })}`;
  if (!q) return;
  if (location.hash === hash) show(); else location.hash = hash;
});
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); $("view").focus(); });
addEventListener("hashchange", show);

const about = obj(await api("about").catch(() => ({})));
$("about").replaceChildren(h("b", null, str(about.place)), ` · you are ${str(about.who)} · ${about.bodies ? "what was said is shown, and each look is recorded" : "without what was said (--bodies)"}`);
document.title = `${str(about.place)} – haptik-bridge console`;
await show();

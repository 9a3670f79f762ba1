// The customers that this browser plays: all of them are kept, and every tab shows the same one.
import { $, h, kept, list, obj, signal, str } from "./kit.js";

const NAMES = ["Asha", "Ravi", "Mina", "Kabir", "Leela", "Arjun", "Noor", "Ishan", "Tara", "Dev"];
const KEY = "haptik-bridge-users", MOST = 30;

export const changed = signal();
let all = list(obj(kept.get(KEY)).users).filter((user) => str(user?.id)), current = str(obj(kept.get(KEY)).current);
if (!all.length) made();

/** The customer whose chat is shown: `id`, `name`, and `auth_id` once the bridge has said it. */
export const user = () => all.find(({ id }) => id === current) ?? all[0];

function made() {
  const digits = crypto.getRandomValues(new Uint32Array(1))[0].toString(36).padStart(7, "0");
  current = `u-${digits}`;
  all = [{ id: current, name: NAMES[digits.charCodeAt(6) % NAMES.length], auth_id: null }, ...all].slice(0, MOST);
  keep();
}

function keep() { kept.set(KEY, { users: all, current }); }

export function isCalled(id, authId) {
  const known = all.find((one) => one.id === id);
  if (!known || !authId || known.auth_id === authId) return;
  known.auth_id = authId;
  keep();
  if (known === user()) changed.tell();
}

function show() {
  $("users").replaceChildren(...all.map(({ id, name }) => h("option", { value: id, selected: id === user().id }, `${name} (${id})`)));
}

function choose(id) { current = id; keep(); show(); changed.tell(); }

$("users").addEventListener("change", ({ target }) => choose(target.value));
$("new-user").addEventListener("click", () => { made(); choose(current); });
// Another tab has changed it.
addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  const other = obj(kept.get(KEY));
  all = list(other.users).length ? list(other.users) : all;
  const before = current;
  current = str(other.current) || current;
  show();
  if (before !== current) changed.tell();
});
show();

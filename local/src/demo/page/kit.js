// Small tools. Whatever comes from outside is set as text or through checked attributes, never as markup.

export const $ = (id) => document.getElementById(id);
export const str = (value) => (value === null || value === undefined || typeof value === "object" ? "" : String(value));
export const list = (value) => (Array.isArray(value) ? value : []);
export const obj = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});

/** An element with attributes (a function is a listener) and children. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** What a JSON text says; anything else is itself. */
export function unwrapped(value) {
  if (typeof value !== "string") return value;
  try { const read = JSON.parse(value); return typeof read === "object" ? read : value; } catch { return value; }
}

export function safeUrl(text, schemes = ["http:", "https:", "tel:", "mailto:"]) {
  try { const url = new URL(str(text).trim().replaceAll("&amp;", "&")); return schemes.includes(url.protocol) ? url.href : ""; }
  catch { return ""; }
}

/** What the browser keeps, as JSON. In a private window: for this page only. */
export const kept = {
  get(key) { try { return unwrapped(localStorage.getItem(key)); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* not kept */ } },
};

/** Something that others can listen to. */
export function signal() {
  const listeners = [];
  return { on: (listener) => listeners.push(listener), tell: (...values) => { for (const listener of listeners) listener(...values); } };
}

/**
 * Makes the children of `parent` those of `items`: one node a key, made once by `make`, told of changes by
 * its `update`. What is open stays open, and what has the focus keeps it.
 */
export function keyed(parent, items, key, make) {
  const nodes = (parent.keyed ??= new Map());
  const wanted = new Set(items.map(key));
  for (const [name, node] of nodes) if (!wanted.has(name)) { node.remove(); nodes.delete(name); }
  items.forEach((item, index) => {
    let node = nodes.get(key(item));
    if (!node) nodes.set(key(item), node = make(item));
    node.update?.(item);
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

/** One stop of the Tab key for many buttons; the arrow keys go from one to the next. */
export function roving(group) {
  const all = () => [...group.querySelectorAll("button, a")];
  all().forEach((node, index) => { node.tabIndex = index ? -1 : 0; });
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const nodes = all(), at = nodes.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = nodes[(at + step + nodes.length) % nodes.length];
    for (const node of nodes) node.tabIndex = node === next ? 0 : -1;
    next.focus();
  });
  return group;
}

/** Menus: one is open at a time; Esc and a click elsewhere close it. */
export function menus() {
  const all = [...document.querySelectorAll("details.menu")];
  for (const menu of all) {
    menu.addEventListener("toggle", () => { if (menu.open) for (const other of all) if (other !== menu) other.open = false; });
  }
  document.addEventListener("click", (event) => {
    for (const menu of all) if (menu.open && event.target.isConnected && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const open = all.find((menu) => menu.open);
    if (event.key === "Escape" && open) { open.open = false; open.querySelector("summary").focus(); }
  });
}

export async function copy(text, button) {
  const before = button.textContent;
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Not copied"; }
  setTimeout(() => { button.textContent = before; }, 1500);
}

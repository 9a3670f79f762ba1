// A message's HSL as nodes. What a tap does is the chat's matter: it gives `does`.
import { $, h, list, obj, roving, safeUrl, str, unwrapped } from "./kit.js";

let does;
/** `tap(value, label)`, `write(text)`, `rate(rating)`, `pickFile()`, `fill(text)`. */
export const onDone = (actions) => { does = actions; };
let numbered = 0;

/** Text with light markup: *bold*, links, line ends. */
export function marked(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"']+|\*(\S(?:[^*\n]*\S)?)\*/g)) {
    parts.push(text.slice(at, found.index));
    at = found.index + found[0].length;
    if (found[1] !== undefined) { parts.push(h("b", null, found[1])); continue; }
    const link = found[0].replace(/[.,;:!?)\]]+$/, "");
    const url = safeUrl(link);
    parts.push(url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, link) : link, found[0].slice(link.length));
  }
  return [...parts, text.slice(at)];
}

/** As a person says it: without the machine parts in braces. */
export function spoken(text) {
  let rest = text, before;
  do { before = rest; rest = rest.replace(/\{[^{}]+\}/g, ""); } while (rest !== before);
  return rest.trim();
}

export function bubble(text) {
  const node = h("div", { class: "bubble" }, marked(text));
  if (text.length < 1500) return [node];
  node.classList.add("long");
  const all = h("button", { class: "ghost", type: "button", click: () => { node.classList.remove("long"); all.remove(); } }, `Show all ${text.length} characters`);
  return [node, all];
}

/** A message's HSL as nodes; a type that is not known is its text. */
export function elements(event, hsl, kind) {
  const data = obj(unwrapped(hsl.data));
  const text = spoken(str(hsl.text) || (hsl.type ? "" : str(event.text)));
  const words = text.trim() ? bubble(text) : [];
  const actions = taker(list(event.actions));
  const tappable = (items, cls, done) => list(items).filter((item) => obj(item) === item).map((item) => action(item, actions, cls, done));
  if (kind === "FORM") return [...words, form(hsl, list(data.fields))];
  if (kind === "CAROUSEL") {
    const cards = list(data.items).map(obj).filter((card) => Object.keys(card).length);
    const ratio = Number(data.image_aspect_ratio) || 1.67;
    const bare = cards.length === 1 && !list(cards[0].actionables).length && !cards[0].mini_actionable
      && !["title", "sub_title", "description"].some((key) => str(cards[0][key]).trim());
    if (bare) return [...words, picture(cards[0].thumbnail, ratio, "picture alone", "Picture")];
    const wide = { FAT: "card wide", BIG: "card wide", THIN: "card thin" }[str(data.width).toUpperCase()] ?? "card";
    const shown = cards.map((card) => h("div", { class: wide, role: "listitem" },
      card.thumbnail ? picture(card.thumbnail, ratio, "picture", str(card.title).trim() ? "" : "Picture") : null,
      h("div", { class: "text" }, h("b", null, marked(str(card.title))), h("div", { class: "sub" }, marked(str(card.sub_title))), marked(str(card.description))),
      h("div", { class: "row" }, tappable([...list(card.actionables), card.mini_actionable], "chip"))));
    return [...words, h("div", { class: "cards", role: "list", tabindex: "0", "aria-label": "Cards" }, shown)];
  }
  if (kind === "BUTTON") return [...words, roving(h("div", { class: "row", role: "group", "aria-label": "Buttons" }, tappable(data.items, "chip square")))];
  const replies = h("div", { class: "row replies", role: "group", "aria-label": "Quick replies" });
  replies.append(...tappable(data.quick_replies, "chip", () => { replies.remove(); $("said").focus(); }));
  const known = ["", "TEXT", "SYSTEM", "SILENT", "NATIVE_ACTION"].includes(kind);
  return [...words, replies.childElementCount ? roving(replies) : null,
          known ? null : h("div", { class: "sub" }, `${str(hsl.type)}: ${words.length ? "shown as its text" : "it has no text to show"}`)].filter(Boolean);
}

/** Gives each actionable its entry of the callback's `actions`, which has the same order. */
function taker(actions) {
  let next = 0;
  return (label) => (str(obj(actions[next]).label) === label ? obj(actions[next++]) : {});
}

function labelOf(item, payload) {
  const label = [spoken(str(item.actionable_text)), spoken(str(payload.message)), str(payload.title)].map((text) => text.trim()).find(Boolean) ?? "…";
  return str(item.emoji).trim() ? `${str(item.emoji).trim()} ${label}` : label;
}

function action(item, actions, cls, done) {
  const payload = obj(unwrapped(item.payload)), label = labelOf(item, payload), given = actions(label);
  const type = str(item.type).toUpperCase(), uri = str(item.uri).toUpperCase();
  const look = `${cls}${item.is_default && item.is_default !== "0" && item.is_default !== "false" ? " main" : ""}`;
  // Haptik's own apps draw ":share:" as an icon.
  const face = label.replace(/^:\w+:\s*(?=\S)/, "");
  const button = (tap) => h("button", { class: look, type: "button", click: tap }, face);
  const detail = uri === "CAROUSEL_DETAIL" && (list(payload.images).length || ["title", "sub_title", "description"].some((key) => str(payload[key]).trim()));
  if (detail) return button(() => openDetail(payload));
  const url = safeUrl(given.url) || (["LINK", "CALL", "SELF_SERVE_WEB"].includes(uri) ? safeUrl(payload.url || payload.link) : "");
  if (url) {
    const says = str(given.value).trim() ? () => { done?.(); does.tap(given.value, face); } : null;
    return h("a", { class: look, href: url, target: "_blank", rel: "noopener noreferrer", click: says }, url.startsWith("http") ? `${face} ↗` : face);
  }
  if (given.feedback || type === "APP_FEEDBACK") return button((tap) => unfold(tap.target, feedback));
  if (given.location || /LOCATION|SAVED_ADDRESSES/.test(uri)) return button((tap) => unfold(tap.target, place));
  if (given.upload || /PICKER$|IMAGE_UPLOAD/.test(uri)) return button(() => does.pickFile());
  if (type === "MESSAGE_BAR") return button(() => does.fill(str(payload.message)));
  const value = [given.value, payload.gogo_message, payload.message, item.actionable_text, label].map(str).find((text) => text.trim());
  return button(() => { done?.(); does.tap(value, face); });
}

/** Opens a small form below what was tapped, once. */
function unfold(from, make) {
  const body = from.closest(".body"), open = body.querySelector("form");
  const made = open ?? make();
  body.append(made);
  made.querySelector("input")?.focus({ preventScroll: true });
  made.scrollIntoView({ block: "nearest" });
}

function picture(thumbnail, ratio, cls, alt) {
  const raw = typeof thumbnail === "string" ? thumbnail : obj(thumbnail).image;
  const url = safeUrl(raw, ["http:", "https:"]), box = `aspect-ratio: ${Math.min(Math.max(ratio, 0.5), 4)}`;
  const instead = (words) => h(url ? "a" : "div", { class: `${cls} instead`, style: box, ...(url ? { href: url, target: "_blank", rel: "noopener noreferrer" } : {}) }, words);
  if (!url) return instead("no picture");
  if (/\/embed\/|\.(mp4|webm|mov|m3u8)$/i.test(new URL(url).pathname)) return instead(`▶ Video at ${new URL(url).host}`);
  return h("img", { class: cls, style: box, src: url, alt, loading: "eager", referrerpolicy: "no-referrer", error: (gone) => gone.target.replaceWith(instead(`picture at ${new URL(url).host}`)) });
}

function openDetail(payload) {
  const pictures = list(payload.images).map((image) => picture(image, 1.67, "picture", ""));
  const url = safeUrl(payload.url || payload.link);
  $("more-body").replaceChildren(h("h2", { id: "more-title" }, str(payload.title) || "Details"), h("p", { class: "sub" }, marked(str(payload.sub_title))), ...pictures,
    h("p", null, marked(str(payload.description))), url ? h("p", null, h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url)) : "");
  $("more").showModal();
}

/** A form of one's own in the chat: `send` gets its data, and returns what is wrong with it, if anything. */
function inline(send, button, ...content) {
  const wrong = h("div", { class: "fail", role: "alert" });
  const node = h("form", { class: "inline" }, content, wrong, h("div", { class: "row" }, h("button", { class: "primary" }, button)));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    wrong.textContent = send(new FormData(node)) ?? "";
    if (wrong.textContent) return;
    for (const field of node.elements) field.disabled = true;
    node.querySelector(".primary").textContent = "Sent ✓";
  });
  return node;
}

function form(hsl, given) {
  const fields = given.map(obj).map((field, index) => ({ ...field, name: `f${index}`, hint: str(field.hint) || str(field.key) }))
    .sort((a, b) => (Number(a.order) || 1e9) - (Number(b.order) || 1e9));
  const inputs = fields.map((field) => {
    const options = list(field.options).map((option) => str(option) || str(obj(option).text)).filter(Boolean);
    const type = str(field.type).toLowerCase(), name = field.name;
    if (type.startsWith("multi")) {
      const choices = options.length ? options : type === "multidaypicker" ? ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] : [];
      return h("fieldset", null, h("legend", null, field.hint), choices.map((option) =>
        h("label", { class: "check" }, h("input", { type: "checkbox", name, value: option }), option)));
    }
    if (options.length && type !== "searcheditable") {
      return h("label", null, field.hint, h("select", { name }, h("option", { value: "" }, "Choose…"), options.map((option) => h("option", { value: option }, option))));
    }
    const dates = ["date", "startdate", "enddate", "dob"];
    const input = dates.includes(type) ? "date" : type === "time" ? "time" : type === "contactpicker" ? "tel"
      : { number: "number", email: "email" }[str(field.keyboard_type).toLowerCase()] ?? "text";
    const offers = options.length ? h("datalist", { id: `${name}-${++numbered}` }, options.map((option) => h("option", { value: option }))) : null;
    return h("label", null, field.hint, h("input", { type: input, name, step: input === "number" ? "any" : null, list: offers?.id, placeholder: str(field.search_placeholder) || null }), offers);
  });
  return inline((data) => {
    const lines = fields.map((field) => [field.hint, data.getAll(field.name).map(str).filter((value) => value.trim()).join(", ")])
      .filter(([, value]) => value).map(([hint, value]) => `${hint}: ${value}`);
    if (!lines.length) return "Fill in at least one field.";
    does.write(lines.join("\n"));
    return null;
  }, submitText(hsl) || "Submit", h("div", null, h("b", null, str(hsl.title)), h("div", { class: "sub" }, str(hsl.subtitle))), ...inputs);
}

const submitText = (hsl) => str(obj(unwrapped(hsl.data)).submit_text) || str(hsl.submit_text);

function feedback() {
  const id = `s${++numbered}`;
  const stars = [5, 4, 3, 2, 1].flatMap((n) => [h("input", { type: "radio", name: "rating", value: n, id: `${id}-${n}`, required: true }),
    h("label", { for: `${id}-${n}`, title: `${n} of 5` }, h("span", { "aria-hidden": "true" }, "★"), h("span", { class: "hear" }, `${n} of 5`))]);
  return inline((data) => {
    const rating = Number(data.get("rating")), resolved = data.get("resolved") === "on", comment = str(data.get("comment")).trim();
    does.rate({ rating, resolved, ...(comment ? { comment } : {}) });
    return null;
  }, "Send rating", h("fieldset", null, h("legend", null, "Rating"), h("div", { class: "stars" }, stars)),
     h("label", { class: "check" }, h("input", { type: "checkbox", name: "resolved", checked: true }), "My question was resolved"),
     h("label", null, "Remark", h("input", { name: "comment" })));
}

const place = () => inline((data) => { does.write(str(data.get("where")).trim()); return null; },
  "Send place", h("label", null, "Where are you?", h("input", { name: "where", required: true, pattern: ".*\\S.*", placeholder: "A place or an address" })));

// What a message of Haptik's becomes in each channel; Slack's is drawn as Slack draws it.
import { h, list, obj, safeUrl, str } from "./kit.js";
import { api } from "./api.js";

const plan = (name) => ({ actionable_text: name, type: "TEXT_ONLY", payload: { message: name } });
const SAMPLE = { text: "Which <b>plan</b> is yours?", type: "BUTTON", data: { items: [plan("Gold"), plan("Silver")] } };

export async function preview() {
  const { channels } = obj(await api("about"));
  const message = h("textarea", { id: "message", spellcheck: "false" }), channel = h("select", { id: "channel" }, h("option", { value: "" }, "every channel"), list(channels).map((name) => h("option", { value: name }, name))), agent = h("input", { id: "agent", autocomplete: "off" });
  const results = h("div", { "aria-live": "polite" });
  message.value = JSON.stringify(SAMPLE, null, 2);
  const show = async (event) => {
    event?.preventDefault();
    try {
      let body = message.value.trim();
      try { body = JSON.parse(body); } catch { /* a text may be a message */ }
      const shown = await api("preview", {}, { message: body, channel: channel.value, agent: agent.value.trim() });
      results.replaceChildren(...list(shown).map((one) => section(obj(one), agent.value.trim())));
    } catch (error) { results.replaceChildren(h("p", { class: "error", role: "alert" }, error.message)); }
  };
  const form = h("form", { class: "panel", submit: show }, h("p", null, h("label", { for: "message" }, "An HSL message, a delivery of Haptik’s, or a text")), message,
    h("div", { class: "row" }, h("label", { for: "channel" }, "In"), channel, h("label", { for: "agent" }, "Said by the agent"), agent, h("button", { class: "primary" }, "Show it")));
  await show();
  return [h("h2", null, "Preview"), h("div", { class: "split" }, form, results)];
}

function section({ channel, shown }, agent) {
  const all = list(shown).flatMap((one) => [h("h3", { class: "sub" }, str(one.kind)), channel === "slack" ? slack(obj(one.payload), agent) : "",
    channel === "slack" ? h("details", null, h("summary", null, "What Slack is sent"), json(one, channel)) : json(one, channel), one.link ? h("p", null, h("a", { href: safeUrl(one.link), target: "_blank", rel: "noreferrer" }, "Open in the provider’s own builder")) : ""]);
  return h("section", { class: "panel" }, h("h2", null, str(channel)), all.length ? all : h("p", { class: "sub" }, "Nothing is shown."));
}

const json = (one, channel) => h("pre", { tabindex: "0", role: "group", "aria-label": `What ${channel} is sent` }, JSON.stringify(one.payload, null, 2));

/** A message of Slack's, or a view. Pictures are named, not fetched. */
function slack(payload, agent) {
  const view = obj(payload.view), blocks = list(payload.blocks ?? view.blocks ?? payload), title = text(payload.title ?? view.title);
  const who = h("div", null, h("span", { class: "who" }, agent || "Your bot"), h("span", { class: "app" }, "APP"));
  return h("div", { class: "slack" }, title ? h("div", { class: "head1" }, title) : who, blocks.length ? blocks.map(block) : h("div", null, marked(str(payload.text))));
}

const text = (value) => (typeof value === "string" ? value : str(obj(value).text));
const written = (value) => (obj(value).type === "mrkdwn" ? marked(text(value)) : [text(value)]);
const picture = (alt) => h("div", { class: "picture", role: "img", "aria-label": str(alt) || "a picture" }, `🖼 ${str(alt) || "a picture"}`);

function block(raw) {
  const it = obj(raw);
  switch (it.type) {
    case "header": return h("div", { class: "head1" }, text(it.text));
    case "divider": return h("hr", null);
    case "image": return h("div", null, it.title ? h("div", null, text(it.title)) : "", picture(it.alt_text));
    case "context": return h("div", { class: "context" }, list(it.elements).map((one) => h("span", null, one.type === "image" ? `🖼 ${str(one.alt_text)}` : written(one))));
    case "section": return h("div", null, h("div", { class: "section" }, it.text ? h("div", null, written(it.text)) : "", it.accessory ? element(obj(it.accessory)) : ""), it.fields ? h("div", { class: "fields" }, list(it.fields).map((one) => h("div", null, written(one)))) : "");
    case "actions": return h("div", { class: "row" }, list(it.elements).map((one) => element(obj(one))));
    case "input": return h("div", null, h("div", null, h("b", null, text(it.label))), element(obj(it.element)));
    case "rich_text": return h("div", null, list(it.elements).map(rich));
    case "markdown": return h("div", null, marked(str(it.text)));
    case "card": return h("div", { class: "card" }, it.hero_image ? picture(it.hero_image.alt_text) : "", it.title ? h("b", null, written(it.title)) : "", it.subtitle ? h("div", null, written(it.subtitle)) : "", it.body ? h("div", null, written(it.body)) : "", h("div", { class: "row" }, list(it.actions).map((one) => element(obj(one)))));
    case "carousel": return h("div", { class: "cards" }, list(it.elements).map(block));
    default: return h("div", { class: "context" }, `(${str(it.type)})`);
  }
}

function element(it) {
  switch (it.type) {
    case "button": return h("span", { class: `btn ${it.style === "danger" ? "danger" : it.style === "primary" ? "primary" : ""}` }, text(it.text), it.url ? " ↗" : "");
    case "image": return picture(it.alt_text);
    case "overflow": return h("span", { class: "btn" }, "⋯");
    case "radio_buttons": case "checkboxes": return h("div", null, list(it.options).map((one) => h("div", null, `${it.type === "checkboxes" ? "☐" : "○"} `, written(obj(one).text))));
    default: return h("span", { class: "field" }, text(it.placeholder) || text(obj(it.initial_option).text) || str(it.initial_value) || str(it.type).replaceAll("_", " "), /select/.test(str(it.type)) ? " ▾" : "");
  }
}

function rich(raw) {
  const it = obj(raw);
  const inside = list(it.elements).map((one) => (one.elements ? rich(one) : span(obj(one))));
  if (it.type === "rich_text_list") return h(it.style === "ordered" ? "ol" : "ul", null, inside.map((one) => h("li", null, one)));
  return h(it.type === "rich_text_quote" ? "blockquote" : it.type === "rich_text_preformatted" ? "pre" : "div", null, inside);
}

function span(it) {
  if (it.type === "link") return link(it.url, text(it) || it.url);
  const style = obj(it.style), plain = it.type === "emoji" ? `:${str(it.name)}:` : text(it);
  return style.code ? h("code", null, plain) : style.bold ? h("b", null, plain) : style.italic ? h("i", null, plain) : style.strike ? h("s", null, plain) : plain;
}

function link(url, label) { const safe = safeUrl(url); return safe ? h("a", { href: safe, target: "_blank", rel: "noreferrer" }, str(label)) : str(label); }

/** Slack's own marks, as elements: `*b*`, `_i_`, `~s~`, a code, `<url|label>`, and its three entities. */
export function marked(source) {
  const plain = (part) => part.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  const nodes = [], marks = /`([^`\n]+)`|<([^>|]+)(?:\|([^>]*))?>|(^|[\s(])([*_~])(\S(?:[^\n]*?\S)?)\5(?=$|[\s).,!?:;])/gm;
  let at = 0;
  for (const found of source.matchAll(marks)) {
    const [whole, code, url, label, before, mark, inside] = found;
    nodes.push(plain(source.slice(at, found.index)));
    at = found.index + whole.length;
    if (code !== undefined) nodes.push(h("code", null, plain(code)));
    else if (url !== undefined) nodes.push(/^[#@!]/.test(url) ? `${plain(label ?? url)}` : link(plain(url), plain(label ?? url)));
    else nodes.push(before, h({ "*": "b", _: "i", "~": "s" }[mark], null, marked(inside)));
  }
  nodes.push(plain(source.slice(at)));
  return nodes;
}

// The chat: what the customer does, and what the bridge brings. Everything comes back from the server, so a
// reload and a second tab show the same; what this page does is shown at once and known again by its id.
import { $, h, list, obj, safeUrl, signal, str, unwrapped } from "./kit.js";
import { bubble, elements, marked, onDone, spoken } from "./elements.js";
import * as users from "./users.js";

/** What Haptik takes as a file; anything else reaches the bot as a line with a link. */
const FILE_KINDS = ["jpg", "jpeg", "png", "gif", "pdf", "doc", "docx", "xls", "xlsx", "csv", "txt"];
const LARGEST_FILE = 10 * 1024 * 1024, MOST = 400;

/** Told of what a message says, by the id that the ledger's keys have. */
export const noted = signal();
const all = [];             // what the server has told, of every customer
const mine = new Map();     // the customer's own messages: id → { node, state }
const states = new Map();   // what became of them, by id
let agent = null, role = "customer", unseen = 0;

// ---- what is done, one after the other -------------------------------------------------------------
let queue = Promise.resolve();
const inTurn = (task) => { queue = queue.then(task, task); return queue; };

/** Sends what the customer does; `shown` is what the chat shows for it. */
function act(body, shown) {
  const user = users.user(), id = `web-${crypto.randomUUID()}`;
  own(id, shown, "sending");
  noted.tell(id, shown);
  inTurn(() => send({ ...body, id, shown, user: { id: user.id, name: user.name, custom_data: { name: user.name } } }, user.id));
}

async function send(body, userId) {
  let why, again = true;
  setState(body.id, "sending");
  try {
    const response = await fetch("/demo/do", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    const text = await response.text(), answer = obj(unwrapped(text));
    if (response.ok) { users.isCalled(userId, str(answer.auth_id)); return answered(body.id, "accepted"); }
    why = `Not accepted (${response.status}): ${str(answer.error) || text}`;
    again = response.status >= 500 || response.status === 429;
  } catch { why = "The demo does not answer. Is it still running?"; }
  answered(body.id, "refused", { why, again: again ? () => inTurn(() => send(body, userId)) : null });
}

/** What the answer to a message says, unless more is known by now: the message can be with Haptik before its answer is here. */
function answered(id, state, more) {
  if (states.get(id)?.state === "sending") setState(id, state, more);
}

const write = (text) => act({ type: "message", text }, text);

async function attach(file) {
  if (file.size > LARGEST_FILE) return notice(`${file.name} is larger than 10 MB, which is the most that Haptik takes`);
  let url;
  try {
    const response = await fetch(`/demo/files?${new URLSearchParams({ name: file.name })}`, { method: "POST", body: file });
    if (!response.ok) throw new Error(String(response.status));
    url = (await response.json()).url;
  } catch (error) { return notice(`${file.name} could not be attached: ${error.message}`); }
  const ending = file.name.split(".").pop().toLowerCase(), text = $("said").value.trim();
  if (!FILE_KINDS.includes(ending)) notice(`Haptik takes no .${ending} files: the bot is told of it in words`);
  const attachment = { url, name: file.name, mime_type: file.type || "application/octet-stream" };
  $("said").value = "";
  act({ type: "message", text, attachments: [attachment] }, `${text ? `${text}\n` : ""}📎 ${file.name}`);
}

// ---- the agent's side ------------------------------------------------------------------------------
async function control(what, body) {
  const { auth_id } = users.user();
  if (!auth_id) return notice("The customer has to say something first");
  try {
    const response = await fetch(`/simulator/_simulator/users/${auth_id}/${what}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(str(obj(unwrapped(await response.text())).error_message) || String(response.status));
  } catch (error) { notice(`The simulated Haptik says: ${error.message}`); }
}
const join = () => control("agent_joins", { by_hand: true });

async function answer(text) {
  if (!agent) await join();
  await control("agent_says", { text });
}

function play() {
  role = document.querySelector("[name=role]:checked").value;
  const desk = role === "agent";
  $("join").hidden = !desk;
  $("attach").hidden = desk;
  $("said").placeholder = desk ? "Answer as Haptik’s agent" : "Write a message";
  $("send").textContent = desk ? "Answer" : "Send";
  suggest();
}

// ---- what is shown ---------------------------------------------------------------------------------
const log = $("log"), messages = $("messages");
const isNear = () => log.scrollHeight - log.scrollTop - log.clientHeight < 160;
function toEnd() { log.scrollTop = log.scrollHeight; unseen = 0; $("newer").hidden = true; }

function say(kind, content, ownOne) {
  $("hello")?.remove();
  const near = ownOne || isNear(), node = h("li", { class: kind }, content);
  messages.append(node);
  while (messages.children.length > MOST) messages.firstElementChild.remove();
  if (near) toEnd();
  else { unseen += 1; $("newer").hidden = false; $("newer").textContent = `${unseen} new ↓`; }
  suggest();
  return node;
}

const notice = (text) => text && say("notice", h("span", null, marked(text)));

/** One of the customer's own messages, shown once. */
function own(id, shown, state) {
  if (mine.has(id)) return;
  const mark = h("div", { class: "mark" });
  const node = say("me", h("div", { class: "body" }, h("div", { class: "bubble" }, shown), mark), true);
  mine.set(id, { node, mark });
  setState(id, states.get(id)?.state ?? state, states.get(id));
}

const MARKS = { sending: "sending …", accepted: "✓ received by the bridge", delivered: "✓✓ delivered to Haptik" };

/** Says below a message how far it is: `sending`, `accepted`, `waiting`, `delivered`, `dead`, `refused`. */
function setState(id, state, more = {}) {
  states.set(id, { ...more, state });
  const { mark } = mine.get(id) ?? {};
  if (!mark) return;
  const near = isNear();
  const words = state === "waiting" ? `… ${more.why}` : state === "dead" ? `✗ given up: ${more.why}` : state === "refused" ? more.why : MARKS[state];
  mark.className = ["dead", "refused"].includes(state) ? "mark fail" : "mark";
  if (["dead", "refused"].includes(state)) mark.setAttribute("role", "alert"); else mark.removeAttribute("role");
  mark.replaceChildren(words, more.again ? h("button", { class: "ghost", type: "button", click: more.again }, "Send again") : "");
  if (near) toEnd();
}

/** What became of an own message on its way to Haptik. */
export function became(id, state, why) {
  const known = states.get(id)?.state;
  if (known === state && !why || known === "delivered") return;
  setState(id, state, { why });
}

function suggest() {
  const offered = messages.lastElementChild?.querySelector(".replies");
  const words = offered || role === "agent" ? [] : agent ? ["Where is my order?", "bye"] : mine.size ? ["hi", "several", "carousel", "agent"] : ["hi"];
  $("suggest").replaceChildren(...words.map((word) => h("button", { class: "chip", type: "button", click: () => write(word) }, word)));
  $("suggest").hidden = words.length === 0;
}

function showUser() {
  const { name } = users.user();
  $("whoami").textContent = `${name} with ${agent ? `${agent}, a human agent` : "gogo, the simulated bot"}`;
}

/** What the server tells: `{ said }` of a customer, or a callback of the bridge's. */
export function take(raw) {
  const event = obj(unwrapped(raw));
  all.push(event);
  if (all.length > 5000) all.shift();
  show(event);
}

function show(event) {
  if (event.said) {
    const said = obj(event.said);
    noted.tell(str(said.id), str(event.shown));
    if (str(obj(said.user).id) === users.user().id) own(str(said.id), str(event.shown), "accepted");
    return;
  }
  const isMine = str(obj(event.user).id) === users.user().id, sender = obj(event.sender), human = sender.kind === "agent";
  if (event.type === "agent_joined") {
    const name = str(sender.name) || "An agent";
    noted.tell(str(event.id), `${name} joins`);
    if (isMine) { agent = name; notice(`${name} ${event.team_name ? `of ${str(event.team_name)} ` : ""}has joined the chat`); showUser(); }
    return;
  }
  if (event.type === "conversation_complete") {
    noted.tell(str(event.id), "conversation complete");
    if (isMine) { agent = null; notice(`Conversation completed${event.completed_by ? ` by ${str(event.completed_by)}` : ""}`); showUser(); }
    return;
  }
  const hsl = obj(unwrapped(event.hsl)), kind = str(hsl.type).toUpperCase();
  noted.tell(str(event.id), spoken(str(hsl.text)) || str(hsl.title) || str(event.text) || kind);
  if (!isMine) return;
  const parts = elements(event, hsl, kind);
  if (kind === "SYSTEM") return notice(str(hsl.text) || str(event.text));
  if (kind === "SILENT" || parts.length === 0) return;
  const name = str(sender.name) || (human ? "Agent" : "Bot");
  const avatar = h("div", { class: human ? "avatar human" : "avatar", "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
  const face = safeUrl(sender.profile_image, ["http:", "https:"]);
  // A picture from the internet is left out: the demo works without it.
  if (face.startsWith(location.origin) && human) avatar.append(h("img", { src: face, alt: "", error: (gone) => gone.target.remove() }));
  say("them", [avatar, h("div", { class: "body" }, h("div", { class: "who" }, human ? `${name}, agent` : name), parts)]);
}

/** The chat of the customer who is shown now. */
function anew() {
  mine.clear();
  agent = null;
  messages.replaceChildren(h("li", { class: "notice", id: "hello" }, h("span", null, "This is an application of your own. The bridge takes what it sends to Haptik’s bot, and brings the answers back."), h("br"), "Say “hi” to begin."));
  for (const event of all) show(event);
  showUser(); suggest(); toEnd();
}

// ---- composing -------------------------------------------------------------------------------------
const said = $("said");
function resize() {
  const near = isNear();
  said.style.height = "";
  said.style.height = `${Math.min(said.scrollHeight + 2, 120)}px`;
  if (near) toEnd();
}
$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = said.value.trim();
  said.value = "";
  resize();
  if (!text) return;
  if (role === "agent") inTurn(() => answer(text)); else write(text);
});
said.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("compose").requestSubmit(); }
});
said.addEventListener("input", resize);
$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", async ({ target }) => { for (const file of list([...target.files])) await attach(file); target.value = ""; });
$("newer").addEventListener("click", toEnd);
log.addEventListener("scroll", () => { if (isNear()) { unseen = 0; $("newer").hidden = true; } });
$("join").addEventListener("click", join);
$("complete").addEventListener("click", () => control("completes", { by: agent ? "agent" : "bot" }));
for (const choice of document.querySelectorAll("[name=role]")) choice.addEventListener("change", play);

onDone({
  tap: (value, label) => act({ type: "action", value: str(value) }, label),
  write,
  rate: (rating) => act({ type: "feedback", ...rating }, `${"★".repeat(rating.rating)}${"☆".repeat(5 - rating.rating)}${rating.comment ? `\n${rating.comment}` : ""}`),
  pickFile: () => $("file").click(),
  fill: (text) => { said.value = text; said.focus(); },
});
users.changed.on(anew);
anew();
play();
// Not on a phone, where it would bring up the keyboard.
if (matchMedia("(pointer: fine)").matches) said.focus();

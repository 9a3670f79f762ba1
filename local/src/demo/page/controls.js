// What can be broken in the simulated Haptik, and the CRM's tickets.
import { $, h, keyed, list, str } from "./kit.js";

const CONTROL = "/simulator/_simulator/faults/", LOOK_EVERY = 2000;
const FAULTS = [
  ["Haptik fails", "500 to its next 3 calls", "calls", { path: "/v1.0/*", times: 3, outcome: { kind: "status", status: 500 } }],
  ["Haptik is busy", "429, “Retry-After: 3”, to its next call", "calls", { path: "/v1.0/*", times: 1, outcome: { kind: "status", status: 429, retry_after: 3 } }],
  ["Haptik refuses", "400 to its next call: the message is given up", "calls", { path: "/v1.0/*", times: 1, outcome: { kind: "status", status: 400 } }],
  ["Haptik hangs up", "the next 2 connections are cut without an answer", "calls", { path: "/v1.0/*", times: 2, outcome: { kind: "drop" } }],
  ["Haptik is slow", "each answer takes 2 s", "calls", { path: "/v1.0/*", delay_ms: 2000, outcome: { kind: "answer" } }],
  ["Haptik talks nonsense", "it does what it should, but its next 2 answers are not JSON", "calls", { path: "/v1.0/*", times: 2, takes_effect: true, outcome: { kind: "garbage" } }],
  ["Deliveries come twice", "at the same moment", "deliveries", { outcome: { kind: "duplicate" } }],
  ["Deliveries come swapped", "each second one overtakes the one before", "deliveries", { outcome: { kind: "swap", hold_ms: 1000 } }],
  ["Deliveries come late", "by 3 s", "deliveries", { outcome: { kind: "delay", delay_ms: 3000 } }],
  ["Somebody forges deliveries", "beside the next 3 comes one with a wrong signature", "deliveries", { times: 3, outcome: { kind: "forged" } }],
  ["Deliveries are garbled", "beside the next 3 comes one that is not JSON", "deliveries", { times: 3, outcome: { kind: "garbage" } }],
];
const matches = (fault, body) => fault.path === body.path && (fault.delay_ms ?? 0) === (body.delay_ms ?? 0)
  && JSON.stringify(fault.outcome) === JSON.stringify(body.outcome);

async function control(path, method, body) {
  const response = await fetch(CONTROL + path, { method, headers: body ? { "content-type": "application/json" } : {}, body: body ? JSON.stringify(body) : undefined });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return method === "GET" ? response.json() : null;
}

function failed(error) {
  $("fault-error").hidden = !error;
  $("fault-error").textContent = error ? `The simulator says: ${error.message}` : "";
}

async function showFaults(change) {
  try {
    await change?.();
    const force = { calls: await control("calls", "GET"), deliveries: await control("deliveries", "GET") };
    const number = force.calls.length + force.deliveries.length;
    $("break-label").textContent = number ? `Broken: ${number}` : "Break something";
    $("break-label").classList.toggle("warn", number > 0);
    $("mend").disabled = number === 0;
    const shown = FAULTS.map((fault) => ({ fault, active: force[fault[2]].find((one) => matches(one, fault[3])) }));
    keyed($("faults"), shown, ({ fault }) => fault[0], faultButton);
    failed(null);
  } catch (error) {
    // Whatever was broken, a simulator that is not there or was started anew has nothing of it.
    $("break-label").textContent = "Break something";
    $("break-label").classList.remove("warn");
    failed(error);
  }
}

function faultButton({ fault: [name, what, kind, body] }) {
  const left = h("span", { class: "pill warn", hidden: true });
  const add = () => { if (left.hidden) showFaults(() => control(kind, "POST", body)); };
  const node = h("button", { class: "fault", type: "button", click: add }, h("span", null, name, h("span", null, what)), left);
  node.update = ({ active }) => {
    left.hidden = !active;
    left.textContent = active?.times ? `${active.times} left` : "on";
    node.setAttribute("aria-pressed", String(Boolean(active)));
  };
  return node;
}

async function showTickets() {
  const response = await fetch("/demo/tickets");
  if (!response.ok) return;
  const tickets = list(await response.json());
  $("tickets-label").textContent = `Tickets (${tickets.length})`;
  keyed($("ticket-list"), tickets, ({ id }) => id, ({ id }) => {
    const title = h("summary"), comments = h("div"), node = h("details", { class: "ticket" }, title, comments);
    node.update = (ticket) => {
      title.textContent = `#${id} ${str(ticket.subject)}`;
      keyed(comments, list(ticket.comments).map((comment, number) => ({ number, comment })), ({ number }) => number, ({ comment }) => h("pre", null, str(comment?.body)));
    };
    return node;
  });
}

$("mend").addEventListener("click", () => showFaults(async () => { await control("calls", "DELETE"); await control("deliveries", "DELETE"); }));
function look() {
  if (document.hidden) return;
  showFaults();
  showTickets().catch(() => {});
}
setInterval(look, LOOK_EVERY);
look();

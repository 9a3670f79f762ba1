// The client against a server of its own, the inbox against requests that are signed here or forged.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { Client, Inbox, MemorySeen, Refused, Unanswered, Unverified, sign, verify } from "../dist/index.js";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = "whsec_aGFwdGlrLWJyaWRnZSBkZW1vOiBub3QgYSBzZWNyZXQ=";
const MESSAGE = {
  type: "message", id: "m-1", timestamp: "2026-11-22T10:00:00Z", user: { id: "ü/42" }, text: "hellö",
};
const EVENT = { type: "handoff_ended", id: "h-1", user: { id: "u-42" } };
const GOOD = [202, {}, JSON.stringify({ id: "m-1", auth_id: "a" })];
const quick = { sleep: async () => {} };

/** Answers with what it is told, in turn, and keeps what it got. */
async function server(t, ...answers) {
  const got = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    got.push({ method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(parts) });
    const [status, headers, text] = answers.length > 1 ? answers.shift() : answers[0];
    if (status === null) return request.socket.destroy();
    response.writeHead(status, headers).end(text);
  });
  const port = await listening(t, server);
  return { got, url: `http://127.0.0.1:${port}/channels/my-app` };
}

async function listening(t, server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return server.address().port;
}

function posted({ event = EVENT, secret = SECRET, id = "msg_1", at = Math.floor(Date.now() / 1000), body } = {}) {
  body ??= JSON.stringify(event);
  return [body, { "Webhook-Id": id, "WEBHOOK-TIMESTAMP": String(at), "webhook-signature": sign(secret, id, at, body) }];
}

for (const failing of [
  [503, {}, '{"error": "not stored, send it again"}'], [500, {}, "[]"], [null],
  [429, { "retry-after": "3" }, '{"message": "Too Many Requests"}'],
  [501, {}, ""], [520, {}, ""], [522, {}, "<html>"], [530, {}, ""], [599, {}, ""],
]) {
  test(`what was not stored is sent again as the same: ${failing[0]}`, async (t) => {
    const { got, url } = await server(t, failing, failing, GOOD);
    const pauses = [];
    const client = new Client(url, SECRET, { sleep: async (pause) => { pauses.push(pause); } });
    assert.deepEqual(await client.say(MESSAGE), { id: "m-1", auth_id: "a" });
    assert.equal(got.length, 3);
    assert.equal(new Set(got.map(({ body }) => body.toString())).size, 1, "the same id and timestamp, every time");
    assert.equal(new Set(got.map(({ headers }) => headers["webhook-id"])).size, 1);
    for (const { body, headers } of got) assert.deepEqual(verify(SECRET, body, headers).event, MESSAGE);
    if (failing[0] === 429) assert.ok(pauses.every((pause) => pause >= 3000));
  });
}

test("a retry is signed anew", async (t) => {
  const { got, url } = await server(t, [503, {}, ""], GOOD);
  const moments = [1_000_400, 1_400_000];
  await new Client(url, SECRET, { ...quick, clock: () => moments.shift() }).say(MESSAGE);
  assert.deepEqual(got.map(({ headers }) => headers["webhook-timestamp"]), ["1000", "1400"]);
});

test("it gives up in time and says why", async (t) => {
  const { url } = await server(t, [503, {}, '{"error": "not stored"}']);
  await assert.rejects(new Client(url, SECRET, { giveUpAfter: 100 }).say(MESSAGE), (error) =>
    error instanceof Unanswered && /503: not stored/.test(error.message));
  await assert.rejects(new Client("http://127.0.0.1:9/x", SECRET, { giveUpAfter: 100 }).say(MESSAGE), Unanswered);
});

for (const [status, text, error] of [
  [400, '{"error": "user.id is missing"}', "user.id is missing"], [401, '{"error": "x"}', "x"],
  [413, '{"message": "Request Entity Too Large"}', "Request Entity Too Large"], [404, "no JSON", "Not Found"],
  [302, "", "Found"],
]) {
  test(`a refusal is not sent again, and a redirect not followed: ${status}`, async (t) => {
    const { got, url } = await server(t, [status, { location: "/elsewhere" }, text]);
    await assert.rejects(new Client(url, SECRET).say(MESSAGE), (refused) =>
      refused instanceof Refused && refused.status === status && refused.error === error);
    assert.equal(got.length, 1);
  });
}

test("handing over and taking back", async (t) => {
  const { got, url } = await server(t, [409, {}, '{"error": "another", "handoff_id": "h-0"}'], GOOD);
  const client = new Client(url, SECRET);
  const handoff = { id: "h-1", timestamp: "2026-11-22T10:00:00Z", user: { id: "u" }, message: "why" };
  await assert.rejects(client.handOver(handoff), (refused) => refused.handoffId === "h-0");
  await client.takeBack("ü/42");
  const { method, path, headers, body } = got[1];
  assert.deepEqual([method, path, body.length], ["DELETE", "/channels/my-app/handoff?user=%C3%BC%2F42", 0]);
  assert.equal(headers["webhook-signature"], sign(SECRET, headers["webhook-id"], Number(headers["webhook-timestamp"]), ""));
});

test("a request without its name is not sent", async () => {
  for (const key of ["id", "timestamp"]) {
    const request = { ...MESSAGE };
    delete request[key];
    await assert.rejects(new Client("http://127.0.0.1:9/", SECRET).say(request), new RegExp(key));
  }
});

test("a secret that is none is refused and not quoted", () => {
  for (const secret of ["", "whsec_", "whsec_?", "whsec_c2hvcnQ=", "whsec_" + "A".repeat(25), "whsec_" + "A".repeat(20)]) {
    for (const make of [() => new Client("https://x/", secret), () => new Inbox(secret, () => {})]) {
      assert.throws(make, (error) => error instanceof TypeError && (secret.length < 7 || !error.message.includes(secret)));
    }
  }
});

test("a secret is taken as the bridge takes it", () => {
  for (const length of [16, 17, 18, 24, 64, 65, 150]) {
    const encoded = Buffer.from(Array.from({ length }, (_, i) => i)).toString("base64");
    const spellings = ["whsec_", ""].flatMap((prefix) => [encoded, encoded.replace(/=+$/, "")].map((text) => prefix + text));
    assert.equal(new Set(spellings.map((secret) => sign(secret, "msg_1", 1, ""))).size, 1);
    assert.ok(new Client("https://x/", spellings.at(-1)) && new Inbox(spellings.at(-1), () => {}));
  }
});

test("verifying", () => {
  const [body, headers] = posted();
  assert.deepEqual(verify(SECRET, body, headers).event, EVENT);
  assert.equal(verify([OTHER, SECRET], Buffer.from(body), new Headers(headers)).id, "msg_1");
  const both = `v1a,AAAA v1, ${sign(OTHER, "msg_1", 1, "")} ${headers["webhook-signature"]}`;
  assert.deepEqual(verify(SECRET, body, { ...headers, "webhook-signature": both }).event, EVENT);
});

test("what is forged", () => {
  const [body, headers] = posted();
  for (const change of [
    { "webhook-signature": "" }, { "webhook-signature": "v1," }, { "webhook-signature": "v1,ü" }, { "Webhook-Id": "msg_2" },
    { "Webhook-Id": "" }, { "WEBHOOK-TIMESTAMP": "x" }, { "WEBHOOK-TIMESTAMP": "-1" }, { "WEBHOOK-TIMESTAMP": "1e9" },
    { "WEBHOOK-TIMESTAMP": "9".repeat(30) }, { "WEBHOOK-TIMESTAMP": "1" },
  ]) {
    assert.throws(() => verify(SECRET, body, { ...headers, ...change }), Unverified);
  }
  assert.throws(() => verify(SECRET, body + " ", headers), Unverified);
  assert.throws(() => verify(OTHER, body, headers), Unverified);
});

test("what is signed and is no event", async () => {
  const taken = [];
  const inbox = new Inbox(SECRET, (event) => void taken.push(event));
  for (const body of [
    "", "hello", "null", "[]", "{}", '{"type": 7}', '{"type": "message"', '{"type": "message", "a": NaN}', '\ufeff{"type": "message"}',
    Buffer.from('{"type": "mess\xff"}', "latin1"), Buffer.from('{"type": "message"}', "utf16le"),
    `{"type": ${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
  ]) {
    const bytes = Buffer.from(body);
    assert.equal(await inbox.take(...posted({ body: bytes })), 400, bytes.subarray(0, 20).toString());
  }
  assert.deepEqual(taken, []);
});

test("what is late or early", async () => {
  const now = Math.floor(Date.now() / 1000);
  for (const [away, status] of [[-290, 204], [290, 204], [-310, 401], [310, 401]]) {
    assert.equal(await new Inbox(SECRET, () => {}).take(...posted({ at: now + away })), status);
  }
});

test("each event once, and again when it was not taken", async () => {
  const taken = [];
  let fail = true;
  const inbox = new Inbox(SECRET, async (event) => {
    if (fail) { fail = false; throw new Error("the database is down"); }
    taken.push(event);
  }, { onError: () => {} });
  for (const status of [500, 204, 204]) assert.equal(await inbox.take(...posted()), status);
  assert.deepEqual(taken, [EVENT]);
  assert.equal(await inbox.take(...posted({ id: "msg_2" })), 204);
  assert.equal(taken.length, 2);
  assert.equal(await inbox.take(...posted({ body: "[]" })), 400);
  assert.equal(await inbox.take("x".repeat(10_000_001), {}), 413);
});

test("the same at the same time is taken once", async () => {
  let go;
  const taken = [];
  const inbox = new Inbox(SECRET, async (event) => { await new Promise((resolve) => { go = resolve; }); taken.push(event); });
  const first = inbox.take(...posted());
  await new Promise(setImmediate);
  assert.equal(await inbox.take(...posted()), 503);
  go();
  assert.deepEqual([await first, await inbox.take(...posted()), taken.length], [204, 204, 1]);
});

test("two inboxes with one store take each event once", async () => {
  const [memory, taken] = [new MemorySeen(), []];
  // As a database has it: each call takes a moment.
  const later = (name) => async (id) => { await new Promise(setImmediate); return memory[name](id); };
  const seen = Object.fromEntries(["claim", "has", "add", "release"].map((name) => [name, later(name)]));
  let [go, fail] = [undefined, true];
  const handle = async (event) => {
    await new Promise((resolve) => { go = resolve; });
    if (fail) { fail = false; throw new Error("the database is down"); }
    taken.push(event);
  };
  const [one, two] = [1, 2].map(() => new Inbox(SECRET, handle, { seen, onError: () => {} }));
  const first = one.take(...posted());
  while (go === undefined) await new Promise(setImmediate);
  assert.equal(await two.take(...posted()), 503, "whether the other takes it is not known yet");
  go();
  assert.equal(await first, 500);
  go = undefined;
  const both = [two.take(...posted()), one.take(...posted())];
  while (go === undefined) await new Promise(setImmediate);
  go();
  assert.deepEqual([await both[0], await both[1]].sort(), [204, 503]);
  assert.deepEqual([await one.take(...posted()), taken], [204, [EVENT]]);
});

test("ids are kept for their time and not without end", () => {
  const seen = new MemorySeen(60_000, 2);
  for (const id of ["a", "b", "c"]) seen.add(id);
  assert.deepEqual(["a", "b", "c"].map((id) => seen.has(id)), [false, true, true]);
  const gone = new MemorySeen(0);
  gone.add("a");
  assert.ok(!gone.has("a"));
});

test("the listener answers though nobody can be told of a failure", async (t) => {
  const fail = () => { throw new Error("the log is full"); };
  const port = await listening(t, createServer(new Inbox(SECRET, fail, { onError: fail }).listener));
  const [body, headers] = posted();
  const answer = await fetch(`http://127.0.0.1:${port}/callback`, { method: "POST", body, headers });
  assert.equal(answer.status, 500);
});

test("the listener refuses what is too large or cut, and goes on", async (t) => {
  const taken = [];
  const port = await listening(t, createServer(new Inbox(SECRET, (event) => { taken.push(event); }).listener));
  const url = `http://127.0.0.1:${port}/callback`;
  assert.equal((await fetch(url)).status, 405);
  const raw = (text) => new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (part) => { answer += part; }).on("close", () => resolve(answer)).on("error", () => {});
    setTimeout(() => socket.destroy(), 300);
  });
  assert.match(await raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 20000000\r\n\r\nx"), /^HTTP\/1.1 413 /);
  assert.equal(await raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\nx"), "");
  const [body, headers] = posted();
  assert.equal((await fetch(url, { method: "POST", body, headers })).status, 204);
  assert.equal(taken.length, 1);
});

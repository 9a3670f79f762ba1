// Twilio's own libraries as the referee: what they sign is taken, what they would refuse is refused, they understand
// what the fake says, and they count as many segments as the bridge.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import segments from "sms-segments-calculator";
import twilio from "twilio";

const FORGERIES = 300;
const SETTINGS = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256";
const { getExpectedTwilioSignature, validateRequest, validateRequestWithBody } = twilio;

let there, process_, sid = 0;

before(async () => {
  process_ = spawn(process.env.FAKE_TWILIO, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: process_.stdout });
  there = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
});

after(() => process_.stdin.end());

/** The fields of something that a user says, with a SID that nothing has yet. */
function said(at, user, text, more = {}) {
  const id = `SM${(++sid).toString(16).padStart(32, "f")}`;
  return { MessageSid: id, AccountSid: there.account, From: user, To: at.from, Body: text, NumMedia: "0", ...more };
}

/** A form, in which a list of values is a name that comes several times. */
function encoded(fields) {
  const pairs = Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return new URLSearchParams(pairs).toString();
}

async function post(url, body, headers) {
  const answer = await fetch(url, { method: "POST", body, headers });
  return { status: answer.status, text: await answer.text(), type: answer.headers.get("content-type") };
}

/** Sends fields as Twilio does, by either of its schemes. */
function sent(at, fields, { url = at.bridge, algorithm, signature } = {}) {
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=UTF-8" };
  headers["x-twilio-signature"] = signature ?? getExpectedTwilioSignature(there.token, url, fields, algorithm);
  if (algorithm) headers["x-twilio-webhooks-signature-settings"] = SETTINGS;
  return post(url, encoded(fields), headers);
}

/** Twilio's client, of which only the address is another. */
function client(at) {
  const own = new twilio.RequestClient();
  const httpClient = {
    request(options) {
      const url = new URL(options.uri);
      return own.request({ ...options, uri: at.api + url.pathname + url.search });
    },
  };
  return new twilio.Twilio(there.account, there.token, { httpClient });
}

/** The texts that a user has been sent, once there are so many. */
async function shown(at, user, count) {
  for (let tries = 0; tries < 300; tries++) {
    const messages = await client(at).messages.list({ to: user });
    if (messages.length >= count) return messages.map((message) => message.body).reverse();
    await new Promise((wait) => setTimeout(wait, 100));
  }
  return assert.fail(`${user} was not sent ${count}`);
}

function random(characters, longest) {
  const all = [...characters];
  return Array.from({ length: randomInt(longest + 1) }, () => all[randomInt(all.length)]).join("");
}

const ANYTHING = "aZ09 +&=%?#/;:'\"\\<>é✓🙂\n\t~_.-*()[]{}";

/** Fields that say nothing to the bot: that a message of the bridge's was sent. */
function fields() {
  const fields = { ...said(there.sms, "+15551230000", ""), MessageStatus: "sent" };
  for (let count = randomInt(6); count > 0; count--) {
    const values = Array.from({ length: 1 + randomInt(3) }, () => random(ANYTHING, 12));
    fields[`X${random("abcXYZ019_", 6)}`] = values.length === 1 ? values[0] : values;
  }
  return fields;
}

test("what Twilio's library signs is taken, by both schemes, with a query and without", async () => {
  for (let round = 0; round < FORGERIES; round++) {
    const query = round % 3 === 0 ? `?a=${encodeURIComponent(random(ANYTHING, 8))}&b=it's` : "";
    const algorithm = round % 2 ? "HMAC_SHA256" : undefined;
    const given = fields();
    const answer = await sent(there.sms, given, { url: there.sms.bridge + query, algorithm });
    assert.equal(answer.status, 200, JSON.stringify(given));
    assert.equal(answer.text, "<Response/>");
    assert.match(answer.type, /^text\/xml/);
  }
});

test("what Twilio's library refuses is refused", async () => {
  const url = there.sms.bridge;
  for (let round = 0; round < FORGERIES; round++) {
    const given = fields();
    const algorithm = round % 2 ? "HMAC_SHA256" : undefined;
    const signature = getExpectedTwilioSignature(there.token, url, given, algorithm);
    const name = Object.keys(given)[randomInt(Object.keys(given).length)];
    const forged = [
      () => [{ ...given, [name]: `${[given[name]].flat()[0]}x` }, {}],
      () => [{ ...given, Added: "x" }, {}],
      () => [Object.fromEntries(Object.entries(given).filter(([one]) => one !== "MessageSid")), {}],
      () => [given, { url: `${url}?x=1` }],
      () => [given, { url: `${url}/` }],
      () => [given, { signature: signature.replace(/^./, (first) => (first === "A" ? "B" : "A")) }],
      () => [given, { signature: getExpectedTwilioSignature("another", url, given, algorithm) }],
      () => [given, { algorithm: algorithm ? undefined : "HMAC_SHA256" }],
    ];
    const [changed, how] = forged[randomInt(forged.length)]();
    const options = { url, algorithm, signature, ...how };
    if ("algorithm" in how) options.algorithm = how.algorithm;
    const { url: called } = options;
    assert.ok(!validateRequest(there.token, options.signature, called, changed, options.algorithm), "no forgery");
    const answer = await sent(there.sms, changed, options);
    const expected = called === `${url}/` ? [401, 404] : [401];
    assert.ok(expected.includes(answer.status), `${answer.status}: ${JSON.stringify([changed, how])}`);
  }
});

test("JSON is taken with the hash of its body in the URL, and no other", async () => {
  const fields = { ...said(there.sms, "+15551230000", ""), MessageStatus: "sent" };
  const body = JSON.stringify(fields);
  const hash = (await import("node:crypto")).createHash("sha256").update(body).digest("hex");
  const url = `${there.sms.bridge}?bodySHA256=${hash}`;
  for (const algorithm of [undefined, "HMAC_SHA256"]) {
    const signature = getExpectedTwilioSignature(there.token, url, {}, algorithm);
    const headers = { "content-type": "application/json", "x-twilio-signature": signature };
    if (algorithm) headers["x-twilio-webhooks-signature-settings"] = SETTINGS;
    assert.ok(validateRequestWithBody(there.token, signature, url, body, algorithm));
    assert.equal((await post(url, body, headers)).status, 200);
    assert.ok(!validateRequestWithBody(there.token, signature, url, `${body} `, algorithm));
    assert.equal((await post(url, `${body} `, headers)).status, 401);
    assert.equal((await post(there.sms.bridge, body, headers)).status, 401);
  }
});

test("what is said is answered, and Twilio's client reads it", async () => {
  const user = "+15551230001";
  assert.equal((await sent(there.sms, said(there.sms, user, "it's ✓"))).status, 200);
  assert.deepEqual(await shown(there.sms, user, 1), ["You said: it's ✓."]);
  await sent(there.sms, said(there.sms, user, "offer"));
  assert.deepEqual((await shown(there.sms, user, 2))[1], "Well?\n\n1. tea\n2. coffee");
  await sent(there.sms, said(there.sms, user, " 2. "));
  assert.deepEqual((await shown(there.sms, user, 3))[2], "You said: I take coffee.");
  const [message] = await client(there.sms).messages.list({ to: user });
  assert.equal((await client(there.sms).messages(message.sid).fetch()).status, "queued");
});

test("on WhatsApp the choices are a content that Twilio's client knows", async () => {
  const user = "whatsapp:+15551230002";
  await sent(there.whatsapp, said(there.whatsapp, user, "offer"));
  assert.deepEqual(await shown(there.whatsapp, user, 1), ["Well?"]);
  const [content] = await client(there.whatsapp).content.v1.contents.list();
  assert.equal(content.types["twilio/quick-reply"].actions.length, 2);
  assert.deepEqual(Object.keys(content.variables), ["1", "2", "3", "4", "5"]);
  assert.match(content.sid, /^HX[0-9a-f]{32}$/);
});

test("the fake refuses what Twilio refuses, in a form that its client reads", async () => {
  const create = (more) => client(there.sms).messages.create({ from: there.sms.from, to: "+15551230003", ...more });
  await assert.rejects(create({ body: "x".repeat(1601) }), { status: 400, code: 21617 });
  await assert.rejects(create({ body: "x", to: "+1" }), { code: 21211 });
  await assert.rejects(create({ body: "x", from: "+15550000000" }), { code: 21606 });
  await assert.rejects(create({}), { code: 21619 });
  await assert.rejects(create({ contentSid: `HX${"0".repeat(32)}` }), { code: 21655 });
  assert.match((await create({ body: "x" })).sid, /^SM[0-9a-f]{32}$/);
});

test("a text has as many segments as Twilio's calculator says", () => {
  const previews = readFileSync("previews", "utf8").trim().split("\n").map((line) => JSON.parse(line).payload);
  const seen = new Set();
  for (const { Body: text, segments: count, encoding } of previews) {
    if (!text) continue;
    const counted = new segments.SegmentedMessage(text, "auto", true);
    assert.equal(encoding, counted.getEncodingName(), text);
    assert.equal(count, counted.segmentsCount, text);
    seen.add(`${encoding}, ${count > 1}`);
  }
  // A check that saw nothing of interest is none.
  assert.equal(seen.size, 4, [...seen].join("; "));
});

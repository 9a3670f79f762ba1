// The console as whoever is on call meets it: from a permalink to the cause, and back to work.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { Consoles } from "./console.mjs";
import { until } from "./demo.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const SAID = "my secret wish number", WHO = "u-leela";
let all;

before(async () => {
  all = await Consoles.start();
  await all.write(WHO, `${SAID} 0`, "wish-0");
  await until(async () => (await all.api("find?q=wish-0")).entries?.[0]?.state === "delivered", "the first is delivered");
  await all.refuse(3);
  for (const number of [1, 2, 3]) await all.write(WHO, `${SAID} ${number}`, `wish-${number}`);
  await until(async () => (await all.api("dead")).count === 3, "three are given up");
});
after(async () => { await all?.stop(); });

/** Looks for something, with the keyboard alone. */
async function find(page, name) {
  await page.locator("#q").fill(name);
  await page.locator("#q").press("Enter");
}

const text = (page) => page.locator("body").innerText();

test("a message's id leads to its cause at once: what was sent, what came back, and the command that repeats it", async () => {
  const page = await all.page();
  await find(page, "wish-2");
  const detail = page.locator(".detail");
  await detail.getByText("Haptik refused").first().waitFor();
  const tried = detail.locator("details.exchange", { hasText: "400" });
  await tried.first().waitFor();
  await tried.first().locator("summary").click();
  await tried.getByText("authorization", { exact: false }).first().waitFor();
  assert.match(await tried.first().innerText(), /\[…\]/, "the secret is left out");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await tried.first().getByText("Copy as cURL").click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(command, /^curl -X POST '/);
  assert.match(command, /YOUR-SECRET/);
  await detail.locator("ol.steps").getByText("received").first().waitFor();
  assert.deepEqual(page.abroad, []);
  assert.deepEqual(page.errors, []);
});

test("without --bodies nothing that was said is in any view, and no secret is", async () => {
  const page = await all.page();
  for (const view of ["recent", "dead", "state", "outages", "preview", "audit", "find?q=wish-1", "find?q=wish-0", "find?q=u-leela"]) {
    await page.evaluate((hash) => { location.hash = hash; }, view);
    await page.locator("main:not([aria-busy])").waitFor();
    await new Promise((done) => setTimeout(done, 600));
    await page.evaluate(() => { for (const details of document.querySelectorAll("main details")) details.open = true; });
    const shown = await page.content();
    assert.ok(!shown.includes(SAID), `${view} has what was said`);
    assert.ok(!/whsec_|Bearer [A-Za-z0-9+/]{20}/.test(shown), `${view} has a secret`);
  }
});

test("with --bodies what was said is shown, and who looked is recorded", async () => {
  const page = await all.page(all.full);
  await find(page, "wish-3");
  await page.locator(".detail pre", { hasText: `${SAID} 3` }).waitFor();
  await page.locator("#tabs").getByText("Who looked").click();
  await page.locator("td", { hasText: "asha@desk" }).first().waitFor();
  await page.locator("td", { hasText: "looked at what was said" }).first().waitFor();
});

test("nobody without the token sees anything, nor another page with the cookie", async () => {
  const { origin } = new URL(all.plain.url);
  const stranger = await (await all.browser.newContext()).newPage();
  const answer = await stranger.goto(origin);
  assert.equal(answer.status(), 401);
  assert.match(await text(stranger), /locked/);
  // A page of another program on the same machine: the browser sends it the cookie, and still it is somebody else.
  const other = createServer((_, answered) => { answered.setHeader("content-type", "text/html"); answered.end("<p>somebody else"); }).listen(0, "127.0.0.1");
  await once(other, "listening");
  const page = await all.page();
  await page.goto(`http://127.0.0.1:${other.address().port}/`);
  const read = await page.evaluate(async (url) => { try { return await (await fetch(`${url}/api/dead`, { credentials: "include" })).text(); } catch (error) { return String(error); } }, origin);
  assert.match(read, /Failed to fetch/);
  const sent = await page.evaluate(async (url) => { try { return (await fetch(`${url}/api/replay`, { method: "POST", mode: "no-cors", credentials: "include", body: "{}" })).type; } catch (error) { return String(error); } }, origin);
  assert.equal(sent, "opaque");
  other.close();
  assert.equal((await all.api("dead")).count, 3, "nothing was replayed");
});

/** Opens what there is of a person, by the keyboard. */
async function personOf(page, name) {
  await find(page, name);
  await page.locator("main a.head", { hasText: name }).click();
  await page.getByText("Export or forget this person…").click();
  await page.locator("main h3", { hasText: "Export or forget this person" }).waitFor();
}

test("a person is exported and forgotten once the id was typed in; the receipt is shown, and nothing of the person any more", async () => {
  const who = "u-omar-of-the-test", said = "the secret of omar";
  await all.write(who, said, "omar-1");
  await until(async () => (await all.api("find?q=omar-1")).entries?.[0]?.state === "delivered", "it is delivered");
  const plain = await all.page();
  await personOf(plain, who);
  assert.ok(await plain.getByRole("button", { name: "Export", exact: true }).isDisabled(), "without --bodies there is no export");
  const page = await all.page(all.full);
  await personOf(page, who);
  const shown = await text(page), id = /auth_id (\S+)/.exec(shown)[1];
  assert.match(shown, /\d+ entries/);
  assert.match(shown, /Both are recorded, with your name/);
  await page.evaluate(readFileSync(axe, "utf8"));
  const { violations } = await page.evaluate(() => window.axe.run(document));
  assert.deepEqual(violations.map(({ id: rule }) => rule), []);
  const typed = page.locator("main input[type=text]");
  // Something else was typed in: it is refused, in words.
  await typed.fill("u-somebody-else");
  for (const button of ["Export", "Forget"]) {
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.getByRole("alert").getByText("nothing was done").waitFor();
    await page.evaluate(() => { for (const alert of document.querySelectorAll("main [role=alert]")) alert.remove(); });
  }
  const refused = page.errors.splice(0);
  assert.ok(refused.every((error) => /400/.test(error)), String(refused));
  await typed.fill(/Type (\S+) to go on/.exec(await text(page))[1]);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const exported = JSON.parse(readFileSync(await (await downloading).path(), "utf8"));
  assert.ok(JSON.stringify(exported).includes(said), "the export has what was said");
  assert.deepEqual(exported.person.auth_ids, [id]);
  await page.getByRole("button", { name: "Forget", exact: true }).click();
  await page.getByText(/Waiting \d+ s until every process/).waitFor();
  // Who looks at something else meanwhile comes back to it.
  await page.evaluate(() => { location.hash = "state"; });
  await page.locator("main h2", { hasText: "Forgotten" }).waitFor({ state: "detached" });
  await page.goBack();
  await page.getByText(/Waiting \d+ s until every process/).waitFor();
  const receipt = page.locator("main", { hasText: "Removed:" });
  await receipt.waitFor({ timeout: 90_000 });
  const words = await text(page);
  assert.match(words, /Removed: .*\d+ entries.*1 users/);
  assert.match(words, /Not in the bridge's table, and so not removed:/);
  const tombstone = /Tombstone: ([0-9a-f]{32})/.exec(words)[1];
  await page.locator("#said", { hasText: "The person is forgotten." }).waitFor({ state: "attached" });
  assert.match(new URL(page.url()).hash, /^#forgotten\?job=\d+$/);
  assert.equal(await page.locator("#q").inputValue(), "");
  // Nothing of the person is in the page, in any view of either console, or in what they log.
  for (const [one, where] of [[page, "the receipt"], [page, "recent"], [page, "audit"], [await all.page(), "find?q=omar-1"]]) {
    if (where !== "the receipt") {
      await one.evaluate((hash) => { location.hash = hash; }, where);
      await one.locator("main:not([aria-busy])").waitFor();
      await new Promise((done) => setTimeout(done, 600));
    }
    const content = await one.content();
    for (const name of [who, said, id]) assert.ok(!content.includes(name), `${where} has ${name}`);
  }
  await page.evaluate(() => { location.hash = "audit"; });
  for (const did of ["exported", "forgot"]) await page.locator("tr", { hasText: did }).filter({ hasText: "asha@desk" }).filter({ hasText: tombstone }).first().waitFor();
  assert.equal(new Date((await all.api("audit")).records[0].at).toDateString(), new Date().toDateString());
  for (const one of [all.full, all.plain]) for (const name of [said, who]) assert.ok(!one.log().includes(name), `a log has ${name}`);
  assert.deepEqual((await all.api(`find?q=${who}`)).users, []);
  assert.deepEqual([...page.abroad, ...page.errors], []);
});

test("nobody is forgotten for another page, without the token, or who is not known", async () => {
  const { origin, searchParams } = new URL(all.full.url);
  const known = (await all.api(`find?q=${WHO}`)).users[0].auth_id;
  const body = JSON.stringify({ user: known, typed: known, cut_off: true });
  const other = createServer((_, answered) => { answered.setHeader("content-type", "text/html"); answered.end("<p>somebody else"); }).listen(0, "127.0.0.1");
  await once(other, "listening");
  const page = await all.page(all.full);
  await page.goto(`http://127.0.0.1:${other.address().port}/`);
  for (const init of [{ mode: "no-cors" }, { headers: { "content-type": "application/json", "x-haptik-bridge-console": "1" } }]) {
    await page.evaluate(async ([url, sent, more]) => { try { await fetch(`${url}/api/person/forget`, { method: "POST", credentials: "include", body: sent, ...more }); } catch { /* it is not even sent */ } }, [origin, body, init]);
  }
  other.close();
  const asked = (headers, sent = body) => fetch(`${origin}/api/person/forget`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: sent });
  const token = { authorization: `Bearer ${searchParams.get("token")}` };
  assert.equal((await asked({})).status, 401);
  assert.equal((await asked({ ...token, origin: "https://evil.example" })).status, 403);
  assert.equal((await asked(token, JSON.stringify({ user: "nobody", typed: "nobody" }))).status, 404);
  assert.equal((await all.api(`find?q=${WHO}`)).users[0].auth_id, known, "she is still known");
  const unknown = await all.page();
  await unknown.evaluate(() => { location.hash = "user?user=nobody-at-all"; });
  await unknown.getByText("Export or forget this person…").click();
  await unknown.getByRole("alert").getByText("nothing is known of").waitFor();
});

test("axe finds nothing, in both themes, on a desktop and a phone, in every view", async () => {
  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { colorScheme: "light", ...PHONE }]) {
    const page = await all.page(all.plain, options);
    await page.evaluate(readFileSync(axe, "utf8"));
    for (const view of ["recent", "dead", "state", "outages", "preview", "audit", "find?q=wish-1"]) {
      await page.evaluate((hash) => { location.hash = hash; }, view);
      await page.locator("main:not([aria-busy])").waitFor();
      await new Promise((done) => setTimeout(done, 600));
      const { violations } = await page.evaluate(() => window.axe.run(document));
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.slice(0, 2).map((node) => node.html.slice(0, 120))]), [], `${view} ${JSON.stringify(options)}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 1, `${view} is ${wide} px too wide ${JSON.stringify(options)}`);
    }
    await page.context().close();
  }
});

test("a preview draws what Slack would show", async () => {
  const page = await all.page();
  await page.locator("#tabs").getByText("Preview").click();
  await page.locator("#message").fill(JSON.stringify({ text: "Which <b>plan</b>?", type: "BUTTON", data: { items: [{ actionable_text: "Gold", type: "TEXT_ONLY", payload: { message: "Gold" } }] } }));
  await page.locator("#agent").fill("Prateek");
  await page.getByText("Show it").click();
  await page.locator(".slack .who", { hasText: "Prateek" }).waitFor();
  await page.locator(".slack", { hasText: "plan" }).first().waitFor();
  await page.locator("#message").fill('{"typ": "x"}');
  await page.getByText("Show it").click();
  await page.getByText("no HSL message").waitFor();
});

test("what was given up is delivered again with the keyboard alone: it is asked first, and its progress shown", async () => {
  const page = await all.page();
  await page.locator("#tabs").getByText("Given up").focus();
  await page.keyboard.press("Enter");
  await page.getByText("3 given up").waitFor();
  const again = page.getByText("Deliver these 3 again");
  await again.focus();
  await page.keyboard.press("Enter");
  await page.locator("#ask-title", { hasText: "Deliver 3 messages again?" }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal((await all.api("dead")).count, 3, "nobody agreed");
  await again.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#said", { hasText: "Of 3: 3 delivered." }).waitFor({ state: "attached" });
  await page.getByText("Nothing was given up").waitFor();
  await page.locator("#tabs").getByText("Who looked").click();
  await page.locator("tr", { hasText: "had delivered again" }).filter({ hasText: "asha@desk" }).first().waitFor();
  assert.deepEqual(page.errors, []);
});

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

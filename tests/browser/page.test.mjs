// The demo's page as people meet it: what it shows, what it keeps, and that everybody can use it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { Demo, answer, breaks, row, until, write } from "./demo.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
let demo;
before(async () => { demo = await Demo.start(); });
after(async () => { await demo?.stop(); });

test("a message and its answer are shown, with every hop, and nothing is asked of another host", async () => {
  const page = await demo.page();
  await write(page, "hi");
  await answer(page, "Hi").first().waitFor();
  await page.locator(".me .mark", { hasText: "delivered to Haptik" }).waitFor();
  await row(page, "User to Haptik").filter({ hasText: "delivered" }).waitFor();
  await row(page, "Haptik to user").filter({ hasText: "delivered" }).first().waitFor();
  await write(page, "agent");
  await page.getByText("has joined the chat").waitFor();
  await write(page, "Where is my order?");
  await page.locator(".avatar.human").first().waitFor();
  assert.deepEqual(page.abroad, []);
  assert.deepEqual(page.errors, []);
});

test("forged and garbled deliveries are seen", async () => {
  const page = await demo.page();
  await breaks(page, "Somebody forges deliveries");
  await write(page, "hi");
  await row(page, "A request without a good signature").first().waitFor();
  await breaks(page, "Deliveries are garbled");
  await write(page, "hi");
  await row(page, "A request that is not understood").first().waitFor();
});

test("a ticket that was opened stays open, and keeps the focus", async () => {
  const page = await demo.page();
  await write(page, "hi");
  await answer(page, "Hi").first().waitFor();
  await page.locator("#complete").click();
  await page.getByText("Conversation completed").waitFor();
  await page.locator("#tickets-label").click();
  const ticket = page.locator(".ticket summary").first();
  await ticket.waitFor({ timeout: 60_000 });
  await ticket.focus();
  await page.keyboard.press("Enter");
  await new Promise((done) => setTimeout(done, 5000));
  assert.equal(await page.locator(".ticket").first().evaluate((node) => node.open), true);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY");
  // A second completion is refused, in words.
  await page.keyboard.press("Escape");
  await page.locator("#complete").click();
  await page.getByText("there is no open conversation").waitFor();
});

test("menus: one is open at a time, Esc and a click elsewhere close it", async () => {
  const page = await demo.page();
  const open = (id) => page.locator(id).evaluate((node) => node.open);
  await page.locator("#tickets-label").click();
  await page.locator("#break-label").click();
  assert.deepEqual([await open("#tickets"), await open("#break")], [false, true]);
  await page.keyboard.press("Escape");
  assert.equal(await open("#break"), false);
  await page.locator("#tickets-label").click();
  await page.locator("#chat-title").click();
  assert.equal(await open("#tickets"), false);
});

test("a reload loses nothing", async () => {
  const page = await demo.page();
  await write(page, "agent");
  await page.getByText("has joined the chat").waitFor();
  await write(page, "my order, please");
  await answer(page, "Let me look into that").waitFor();
  const seen = () => page.locator("#messages > li").allInnerTexts();
  await until(async () => (await page.locator(".me .mark", { hasText: "delivered" }).count()) === 2, "both are delivered");
  const before = await seen();
  await page.reload();
  await until(async () => (await seen()).length === before.length, "the chat is there again");
  await until(async () => (await page.locator(".me .mark", { hasText: "delivered" }).count()) === 2, "the states are there again");
  assert.deepEqual(await seen(), before);
  assert.match(await page.locator("#whoami").innerText(), /a human agent/);
  await row(page, "my order, please").first().waitFor();
});

test("two tabs show the same conversation, and the same customer", async () => {
  const first = await demo.page();
  const second = await demo.page({ context: first.context() });
  await write(first, "from the first");
  await write(second, "from the second");
  for (const page of [first, second]) {
    await until(async () => (await page.locator(".me").count()) === 2, "both messages");
    await until(async () => (await page.locator(".them").count()) >= 2, "both answers");
  }
  await first.locator("#new-user").click();
  const chosen = await first.locator("#users").inputValue();
  await until(async () => (await second.locator("#users").inputValue()) === chosen, "the other tab follows");
  // The old conversation can be had again.
  await first.locator("#users").selectOption({ index: 1 });
  await until(async () => (await first.locator(".me").count()) === 2, "the old conversation");
});

test("messages are answered in the order in which they were typed", async () => {
  const page = await demo.page();
  const count = 30;
  for (let number = 0; number < count; number++) await write(page, `number ${number}.`);
  await until(async () => (await page.locator(".me .mark", { hasText: "delivered" }).count()) === count, "all are delivered", 60_000);
  await until(async () => (await answer(page, "number").count()) === count, "all are answered", 60_000);
  const said = (await answer(page, "number").allInnerTexts()).map((text) => Number(/number (\d+)\./.exec(text)[1]));
  assert.deepEqual(said, [...Array(count).keys()]);
});

test("a message that is delivered before its answer is here stays delivered", async () => {
  const page = await demo.page();
  const delivered = page.locator(".me .mark", { hasText: "delivered" });
  let early = false;
  await page.route("**/demo/do", async (route) => {
    const response = await route.fetch();
    if (!early) await delivered.waitFor();
    early = true;
    await route.fulfill({ response });
  });
  await write(page, "the first");
  // It is sent once the answer to the first has been read.
  await write(page, "the second");
  await until(async () => (await delivered.count()) === 2, "both are delivered");
  assert.ok(early);
});

test("a wait is not a failure", async () => {
  const page = await demo.page();
  await write(page, "hi");
  await answer(page, "Hi").first().waitFor();
  await page.locator("#complete").click();
  await page.getByText("Conversation completed").waitFor();
  await until(async () => /Tickets \([1-9]/.test(await page.locator("#tickets-label").innerText()), "a ticket", 60_000);
  assert.equal(await page.locator("#rows .hop", { hasText: "failed" }).count(), 0);
});

test("a message that is given up is marked, says why, and can be delivered again", async () => {
  const page = await demo.page();
  await write(page, "hi");
  await answer(page, "Hi").first().waitFor();
  await breaks(page, "Haptik refuses");
  await write(page, "this one is refused");
  await page.locator(".me .mark.fail", { hasText: "given up" }).waitFor();
  const refused = row(page, "this one is refused").filter({ hasText: "given up" });
  await refused.locator("button").first().click();
  await refused.getByText("Deliver again").click();
  await row(page, "this one is refused").filter({ hasText: "delivered" }).waitFor();
  await page.locator(".me", { hasText: "this one is refused" }).getByText("delivered to Haptik").waitFor();
});

test("what the bridge refuses is in sight, and is not offered again", async () => {
  const page = await demo.page();
  await page.locator("#said").fill("z".repeat(120_000));
  await page.locator("#send").click();
  const refused = page.locator(".me .mark.fail");
  await refused.waitFor();
  const box = await refused.boundingBox(), log = await page.locator("#log").boundingBox();
  assert.ok(box.y + box.height <= log.y + log.height + 1, "the reason is below the fold");
  assert.equal(await refused.locator("button").count(), 0);
});

test("what was broken is forgotten when the simulator is started anew", async () => {
  const page = await demo.page();
  await breaks(page, "Haptik is slow");
  await demo.restart();
  await page.locator("#break-label", { hasText: "Break something" }).waitFor();
});

test("somebody can play Haptik's agent", async () => {
  const page = await demo.page();
  await write(page, "hi");
  await answer(page, "Hi").first().waitFor();
  await page.getByLabel("Haptik’s agent").check();
  await page.locator("#join").click();
  await page.getByText("has joined the chat").waitFor();
  await write(page, "I am a person at the desk");
  await answer(page, "I am a person at the desk").waitFor();
  await page.getByLabel("the customer", { exact: true }).check();
  await write(page, "good to know");
  await page.locator(".me .mark", { hasText: "delivered" }).nth(1).waitFor();
  await new Promise((done) => setTimeout(done, 1000));
  assert.equal(await page.locator(".them .who", { hasText: "agent" }).count(), 1, "the scripted agent is silent");
  await page.locator("#complete").click();
  await page.getByText("Conversation completed").waitFor();
});

test("a file is attached", async () => {
  const page = await demo.page();
  await page.locator("#file").setInputFiles({ name: "bill.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n") });
  await answer(page, "bill.pdf").waitFor();
  await page.locator("#file").setInputFiles({ name: "setup.exe", mimeType: "application/x-msdownload", buffer: Buffer.from("MZ") });
  await page.getByText("Haptik takes no .exe files").waitFor();
});

test("an empty form says what is missing", async () => {
  const page = await demo.page();
  await write(page, "form");
  const form = page.locator(".them form.inline").first();
  await form.waitFor();
  await form.locator("button").click();
  await form.getByText("Fill in at least one field").waitFor();
});

test("cleared rows stay cleared", async () => {
  const page = await demo.page();
  await write(page, "hi");
  await row(page, "Haptik to user").filter({ hasText: "delivered" }).first().waitFor();
  await page.locator("#clear").click();
  assert.equal(await page.locator("#rows > li:visible").count(), 0);
  await page.reload();
  await page.getByText("live", { exact: true }).waitFor();
  await answer(page, "Hi").first().waitFor();
  assert.equal(await page.locator("#rows > li:visible").count(), 0);
});

test("everything can be done with the keyboard alone", async () => {
  const page = await demo.page();
  await write(page, "hi");
  const replies = page.locator(".replies");
  await replies.waitFor();
  assert.equal(await replies.locator("[tabindex='0']").count(), 1, "one stop for all quick replies");
  await replies.locator("button").first().focus();
  await page.keyboard.press("ArrowRight");
  const label = await page.evaluate(() => document.activeElement.textContent);
  assert.equal(label, await replies.locator("button").nth(1).innerText());
  await page.keyboard.press("Enter");
  await page.locator(".me").filter({ hasText: label }).waitFor();
  // A call that is still due would use up what is broken next.
  await page.locator(".me .mark", { hasText: "delivered to Haptik" }).nth(1).waitFor();
  await page.locator("#break-label").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#break-label", { hasText: "Broken" }).waitFor();
  await new Promise((done) => setTimeout(done, 3000));
  assert.equal(await page.evaluate(() => document.activeElement.className), "fault", "the focus is kept");
  await page.locator("#mend").click();
});

for (const [name, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["a phone", PHONE]]) {
  test(`no accessibility violation: ${name}`, async () => {
    const page = await demo.page(options);
    for (const word of ["hi", "carousel", "form", "agent"]) { await write(page, word); await new Promise((done) => setTimeout(done, 700)); }
    await page.getByText("has joined the chat").waitFor();
    await row(page, "Haptik to user").locator("button").first().click();
    await page.locator(".detail pre").first().waitFor();
    const violations = async () => (await page.evaluate(async () => (await globalThis.axe.run()).violations)).map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).slice(0, 3).join(" | ")}`);
    await page.evaluate((await import("node:fs")).readFileSync(axe, "utf8"));
    assert.deepEqual(await violations(), []);
    await page.locator("#break-label").click();
    assert.deepEqual(await violations(), []);
    await page.keyboard.press("Escape");
    await page.locator("#tickets-label").click();
    assert.deepEqual(await violations(), []);
  });
}

test("a phone shows menus and titles within its width", async () => {
  const page = await demo.page(PHONE);
  await write(page, "hi");
  await answer(page, "Hi").first().waitFor();
  for (const menu of ["#tickets", "#break"]) {
    await page.locator(`${menu} > summary`).click();
    const box = await page.locator(`${menu} > div`).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 390, `${menu}: ${JSON.stringify(box)}`);
    await page.keyboard.press("Escape");
  }
  const title = await page.locator("#hops-title").locator("..").boundingBox();
  assert.ok(title.height < 80, `the title takes ${title.height} px`);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
});

test("a name that leads to this machine is not answered", async () => {
  const status = (host) => new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: demo.port, path: "/demo/tickets", headers: { host } }, (answered) => { answered.resume(); resolve(answered.statusCode); });
    asked.on("error", reject).end();
  });
  assert.equal(await status("evil.example"), 421);
  assert.equal(await status(`localhost:${demo.port}`), 200);
});

// The demo in a process of its own, and pages of it in Chromium.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => { const { port } = server.address(); server.close(() => resolve(port)); });
  });
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

export class Demo {
  static async start() {
    const demo = new Demo();
    demo.folder = mkdtempSync(join(tmpdir(), "haptik-bridge-"));
    demo.port = await freePort();
    demo.url = `http://127.0.0.1:${demo.port}`;
    await demo.serve();
    demo.browser = await launch();
    return demo;
  }

  async serve() {
    this.process = spawn(process.env.BRIDGE, ["serve", "--listen", `127.0.0.1:${this.port}`, "--data-dir", this.folder], { stdio: "ignore" });
    for (let tries = 0; tries < 200; tries++) {
      try { await fetch(this.url); return; } catch { await new Promise((done) => setTimeout(done, 50)); }
    }
    throw new Error("the demo does not start");
  }

  /** Ends the process as a crash would, and starts another. */
  async restart() {
    const gone = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGKILL");
    await gone;
    await this.serve();
  }

  async stop() {
    await this.browser.close();
    const gone = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Mends what an earlier test has broken. */
  async mend() {
    for (const kind of ["calls", "deliveries"]) await fetch(`${this.url}/simulator/_simulator/faults/${kind}`, { method: "DELETE" });
  }

  /** A page of somebody new. What it asks of any other host, and what it logs as an error, is noted. */
  async page(options = {}) {
    await this.mend();
    const context = options.context ?? await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.abroad = [];
    page.errors = [];
    page.on("request", (request) => { const url = request.url(); if (!url.startsWith(this.url) && !url.startsWith("data:")) page.abroad.push(url); });
    page.on("pageerror", (error) => page.errors.push(String(error)));
    page.on("console", (message) => { if (message.type() === "error") page.errors.push(message.text()); });
    await page.goto(this.url);
    await page.getByText("live", { exact: true }).waitFor();
    return page;
  }
}

/** Writes something as the customer. */
export async function write(page, text) {
  await page.locator("#said").fill(text);
  await page.locator("#said").press("Enter");
}

/** A message of the bot's or of an agent's with this text. */
export const answer = (page, text) => page.locator("#messages .them").filter({ hasText: text });
export const row = (page, text) => page.locator("#rows > li:visible").filter({ hasText: text });

export async function breaks(page, name) {
  await page.locator("#break-label").click();
  await page.locator("#faults button").filter({ hasText: name }).click();
  await page.locator("#break-label", { hasText: "Broken" }).waitFor();
  await page.keyboard.press("Escape");
}

/** Waits until `holds` does. */
export async function until(holds, what, patience = 20_000) {
  const end = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it never came to this: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

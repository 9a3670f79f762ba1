// A bridge with its console in a process of its own, another console that shows what was said, and pages in Chromium.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, launch, until } from "./demo.mjs";

/** A process that prints the address of a console. */
async function started(args, folder) {
  const process_ = spawn(process.env.BRIDGE, args, { stdio: ["ignore", "pipe", "pipe"], cwd: folder, env: { ...process.env, USER: "asha", HOSTNAME: "desk" } });
  let said = "";
  for (const stream of [process_.stdout, process_.stderr]) stream.on("data", (part) => { said += part; });
  await until(async () => /http:\/\/\S+\?token=\w+/.test(said), "the console prints its address");
  return { process: process_, url: /http:\/\/\S+\?token=\w+/.exec(said)[0], log: () => said };
}

export class Consoles {
  static async start() {
    const all = new Consoles();
    all.folder = mkdtempSync(join(tmpdir(), "haptik-bridge-"));
    const port = await freePort(), own = await freePort();
    all.bridge = `http://127.0.0.1:${port}`;
    // In this order: a second process takes up no lane of the first.
    all.plain = await started(["serve", "--demo", "--listen", String(port), "--console", String(own), "--data-dir", all.folder], all.folder);
    await until(async () => (await fetch(all.bridge).catch(() => ({}))).ok, "the bridge answers");
    all.full = await started(["console", "--data-dir", join(all.folder, "demo"), "--listen", String(await freePort()), "--bodies"], all.folder);
    all.browser = await launch();
    return all;
  }

  /** What a customer writes. */
  async write(user, text, id) {
    const answer = await fetch(`${this.bridge}/demo/do`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ id, type: "message", text, user: { id: user, name: "Leela" } }) });
    if (!answer.ok) throw new Error(`the bridge answers ${answer.status}`);
  }

  /** Has Haptik refuse the next messages. */
  async refuse(times) {
    const fault = { path: "/v1.0/*", times, outcome: { kind: "status", status: 400 } };
    await fetch(`${this.bridge}/simulator/_simulator/faults/calls`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fault) });
  }

  /** Asks as a script would. */
  async api(path, console = this.plain) {
    const url = new URL(console.url);
    return (await fetch(`${url.origin}/api/${path}`, { headers: { authorization: `Bearer ${url.searchParams.get("token")}` } })).json();
  }

  async page(console = this.plain, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.abroad = [];
    page.errors = [];
    const { origin } = new URL(console.url);
    page.on("request", (request) => { if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) page.abroad.push(request.url()); });
    page.on("pageerror", (error) => page.errors.push(String(error)));
    page.on("console", (message) => { if (message.type() === "error") page.errors.push(message.text()); });
    await page.goto(console.url);
    await page.locator("#about b").waitFor();
    return page;
  }

  async stop() {
    await this.browser?.close();
    for (const one of [this.full, this.plain]) {
      if (!one) continue;
      const gone = new Promise((done) => one.process.once("exit", done));
      one.process.kill("SIGTERM");
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

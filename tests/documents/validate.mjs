// Validates documents: `node validate.mjs openapi.json asyncapi.json …` prints what is wrong, one
// line each, after the name of the file.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import asyncapi from "@asyncapi/parser";
import { lint, loadConfig } from "@redocly/openapi-core";

// Decided: generators read 3.0, and 3.1 has nothing that the document needs.
const ACCEPTED = ["asyncapi-latest-version"];

const config = await loadConfig({
  configPath: fileURLToPath(new URL("redocly.yaml", import.meta.url)),
});
const parser = new asyncapi.Parser();

async function* problems(file) {
  const source = await readFile(file, "utf8");
  if (JSON.parse(source).openapi) {
    for (const { location, message, ruleId } of await lint({ ref: file, config })) {
      yield `${ruleId} ${location[0]?.pointer}: ${message}`;
    }
    return;
  }
  const { document, diagnostics } = await parser.parse(source);
  for (const { code, message, path } of diagnostics) {
    if (!ACCEPTED.includes(code)) yield `${code} ${path.join("/")}: ${message}`;
  }
  if (document === undefined) yield "cannot be parsed";
}

for (const file of process.argv.slice(2)) {
  for await (const problem of problems(file)) console.log(`${file}: ${problem}`);
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { variables } from "../../src/config/environment.js";
import { loadConfig } from "../../src/config/load.js";
import { expectUpToDate, replaceSection } from "../harness/golden.js";
import { jsonSchemas } from "../harness/json_schemas.js";
import { repository } from "../harness/programs.js";

const path = "docs/configuration.md";
const page = readFileSync(join(repository, path), "utf8");

test("the list of keys is the schema's", () => {
  const rows = variables().map(({ name, path, schema }) => {
    const { description = "", default: value } = z.toJSONSchema(schema, { io: "input" });
    const shown = value === undefined ? "" : `\`${String(value)}\``;
    return `| \`${path.join(".")}\` | ${shown} | ${description.replaceAll("|", "\\|")} | \`${name}\` |\n`;
  });
  const table = `| key | default | meaning | variable |\n|---|---|---|---|\n${rows.join("")}`;
  expectUpToDate(path, replaceSection(page, "keys", table));
});

test("the examples load", () => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-docs-"));
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] ?? "");
  expect(examples).toHaveLength(4);
  for (const example of examples) {
    const file = join(folder, "countersign.yaml");
    writeFileSync(file, example);
    expect(() => loadConfig(file, {})).not.toThrow();
  }
  rmSync(folder, { recursive: true });
});

test("variables and schemas that the page names exist", () => {
  const known = new Set(variables().map(({ name }) => name));
  const links = [
    "COUNTERSIGN_CONFIG",
    "COUNTERSIGN_TOKEN",
    "COUNTERSIGN_SERVICE_HOST",
    "COUNTERSIGN_PORT_9191_TCP",
    "COUNTERSIGN_",
  ];
  const named = new Set(page.match(/COUNTERSIGN_[A-Z0-9_]*/g));
  expect([...named].filter((name) => !known.has(name)).sort()).toEqual(links.sort());
  const schemas = jsonSchemas().map((schema) => schema.path);
  expect(schemas).toEqual(expect.arrayContaining(page.match(/docs\/schemas\/\w+\.schema\.json/g) ?? []));
  expect(schemas).toHaveLength(7);
});

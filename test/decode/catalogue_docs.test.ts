import { readFileSync } from "node:fs";
import { catalogueSchema } from "../../src/decode/catalogue_schema.js";
import { loadCatalogue } from "../../src/decode/index.js";

const text = readFileSync(new URL("../../docs/catalogue.md", import.meta.url), "utf8");
const examples = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] ?? "");

test("the reference has examples", () => expect(examples.length).toBeGreaterThan(3));

test.each(examples)("example %# loads", (example) => {
  expect(loadCatalogue("tools.yaml", example).tools.length).toBeGreaterThan(0);
});

test("the reference names every key", () => {
  const { match, ...others } = catalogueSchema.shape.tools.element.shape;
  const keys = [...Object.keys(others), ...Object.keys(match.unwrap().shape).map((key) => `match.${key}`)];
  const rows = [...text.matchAll(/^\| ((?:`[a-z_.]+`(?:, )?)+) \|/gm)].flatMap(
    (row) => (row[1] ?? "").match(/[a-z_.]+/g) ?? [],
  );
  expect([...rows].sort()).toEqual(expect.arrayContaining(keys.sort()));
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errors, type RefusalReason, reasonTable, refusalOf } from "../../src/reasons.js";
import { expectUpToDate, replaceSection } from "../harness/golden.js";
import { repository } from "../harness/programs.js";

const table = reasonTable();
const known = new Set(table.map(({ reason }) => reason));
const isKnown = (reason: string): boolean => known.has(reason) || /^(max|min|session_touched)_./.test(reason);

/** Texts of all files below a folder, but the table's own. */
function texts(folder: string, ending: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending) && name !== "reasons.ts")
    .map((name) => readFileSync(join(repository, folder, name), "utf8"));
}

const sources = texts("src", ".ts").join("\n");
const rules = texts("policies/rego", ".rego").join("\n");
const found = (text: string, form: RegExp): string[] => [...text.matchAll(form)].map((match) => match[1] ?? "");

test("every reason is in the table once", () => {
  expect(known.size).toBe(table.length);
});

test("every refusal of the program is in the table", () => {
  const used = found(sources, /new Refusal\(\s*"([^"]+)"/g);
  expect(used.length).toBeGreaterThan(30);
  expect(used.filter((reason) => !isKnown(reason))).toEqual([]);
});

test("every rule of the policy program is in the table", () => {
  const used = found(rules, /"(?:rule|reason)": "([^"]+)"/g);
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter((reason) => !isKnown(reason))).toEqual([]);
});

test("every row of the table is used", () => {
  const words = new Set([
    ...found(sources, /"([a-z_]+)"/g),
    ...found(sources, /^\s*([a-z_]+): (?:rule\(|\(|")/gm),
    ...found(rules, /"([a-z_]+)"/g),
  ]);
  const bounds = ["max_<param>", "min_<param>", "session_touched_<classification>"];
  expect(table.map(({ reason }) => reason).filter((reason) => !words.has(reason) && !bounds.includes(reason))).toEqual(
    [],
  );
});

test("a reason has the error and the status of its row", () => {
  const refusing = table.filter(({ error }) => error !== "");
  for (const { reason, error, status } of refusing) {
    expect([reason, refusalOf(reason as RefusalReason)]).toEqual([reason, { error, status }]);
  }
  expect(new Set(refusing.map(({ error }) => error))).toEqual(new Set(Object.keys(errors)));
});

test("an error goes with the statuses that are documented, and no others", () => {
  const statuses: Record<string, number[]> = {};
  for (const { error, status } of table) statuses[error] = [...new Set([...(statuses[error] ?? []), status])].sort();
  expect(statuses).toEqual({
    "": [200],
    BadRequest: [400, 413, 415],
    Unauthenticated: [401],
    PolicyViolation: [403],
    ApprovalNeeded: [403],
    RateLimited: [429],
    BudgetExceeded: [429],
    Unavailable: [503],
  });
});

test.each(["max_replicas", "min_x", "max_"])("%s is a broken bound", (reason) => {
  expect(refusalOf(reason as RefusalReason)).toEqual({ error: "PolicyViolation", status: 403 });
});

test.each(["", "nonsense", "allowed", "__proto__", "constructor", "toString", "maximum"])(
  "%p is no reason to refuse, so it is a failure of ours",
  (reason) => expect(refusalOf(reason as RefusalReason)).toEqual({ error: "Unavailable", status: 503 }),
);

test("types are URNs of their names, and titles are their own", () => {
  for (const [name, { type }] of Object.entries(errors)) expect(type).toBe(`urn:countersign:${name}`);
  const titles = Object.values(errors).map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});

test("docs/reasons.md is this table", () => {
  const path = "docs/reasons.md";
  const rows = table.map(({ reason, error, status, meaning }) => {
    return `| \`${reason}\` | ${error === "" ? "" : `\`${error}\``} | ${status} | ${meaning.replaceAll("|", "\\|")} |\n`;
  });
  const content = `| reason | error | status | meaning |\n|---|---|---|---|\n${rows.join("")}`;
  expectUpToDate(path, replaceSection(readFileSync(join(repository, path), "utf8"), "reasons", content));
});

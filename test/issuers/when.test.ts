import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { loadConfig } from "../../src/config/load.js";
import { compileWhen } from "../../src/issuers/when.js";
import { ConditionError } from "../../src/policies/condition/error.js";
import { agentEntry } from "./fixture.js";

const claims = {
  repository: "acme/shop",
  ref: "refs/heads/main",
  run_number: 5,
  load: 2.5,
  verified: true,
  nothing: null,
  groups: ["ci", "prod"],
  nested: { env: "prod", "https://x.example/n": 1 },
  constructor: "odd",
};

test.each([
  'claims.repository == "acme/shop"',
  'claims.repository == "acme/shop" && claims.ref == "refs/heads/main"',
  "claims.run_number == 5",
  "claims.run_number == 5.0",
  "claims.run_number > 3",
  "claims.run_number > 4.5",
  "claims.run_number + 1 == 6",
  "claims.run_number in [1, 5]",
  "claims.load > 2",
  "claims.load < 3.0",
  "claims.verified",
  "claims.nothing == null",
  '"ci" in claims.groups',
  'claims.groups == ["ci", "prod"]',
  "size(claims.groups) == 2",
  'claims.groups.exists(g, g == "prod")',
  'claims.groups.filter(g, g != "ci").all(g, g == "prod")',
  'claims.nested.env == "prod"',
  'claims.nested["https://x.example/n"] == 1',
  'claims.constructor == "odd"',
  'claims.ref.matches("^refs/heads/(main|release-[0-9]+)$")',
  'claims.ref.startsWith("refs/heads/")',
  "has(claims.ref) && !has(claims.pull_request)",
  "claims.missing == 1 || claims.run_number == 5",
  'type(claims.run_number) == type(1) && string(claims.run_number) == "5"',
  'has(claims.ref) ? claims.ref == "refs/heads/main" : false',
])("%s holds", (condition) => {
  expect(compileWhen(condition)(claims)).toBe(true);
});

test.each([
  'claims.repository == "acme/shop2"',
  'claims.repository.matches("shop2")',
  "claims.repository == 5",
  'claims.run_number == "5"',
  "claims.missing == 1",
  "claims.missing != 1",
  "!(claims.missing == 1)",
  "claims.missing.deeper == 1",
  "claims.missing",
  "claims.repository",
  "claims.run_number",
  "claims.nothing",
  "claims.nested",
  "claims.groups",
  "claims.toString == 1",
  "has(claims.__proto__)",
  "claims.run_number / 0 == 1",
  "claims.run_number + 1.5 == 6.5",
  "int(claims.repository) == 1",
  "claims.groups[7] == 'x'",
  'claims.verified == "true"',
])("%s does not hold", (condition) => {
  expect(compileWhen(condition)(claims)).toBe(false);
});

test.each([
  ["", 1, 1, "not a CEL expression"],
  ["claims.a = 1", 1, 10, "unexpected ="],
  ["claims.a ==", 1, 10, "not a CEL"],
  ['claims.a == 1 &&\n  claim.b == "x"', 2, 3, "unknown name `claim`"],
  ["repository == 'acme/shop'", 1, 1, "unknown name `repository`"],
  ["now == 1", 1, 1, "unknown name `now`"],
  ["claims.a.lower() == 'x'", 1, 9, "unknown function `lower`"],
  ["hash(claims.a) == 'x'", 1, 1, "unknown function `hash`"],
  ["claims.groups.exists(g, h == 'x')", 1, 25, "unknown name `h`"],
  ["claims.groups.exists(g, true) && g == 'x'", 1, 34, "unknown name `g`"],
  ["claims.a.exists(x, claims.b.exists(y, x == y))", 1, 28, "inside another one"],
  ["google.protobuf.Int32Value{value: 1} == claims.a", 1, 1, "messages"],
  ["claims.a.exists(x, x.matches('^b'))", 1, 21, "inside a macro"],
  ["claims.a.all(x, matches(claims.b, 'c'))", 1, 17, "inside a macro"],
  ["claims.a.matches(claims.b)", 1, 9, "written out"],
  ["matches(claims.a, claims.b)", 1, 1, "written out"],
  ['claims.a.matches("(")', 1, 9, "not an RE2 pattern"],
  ['claims.a.matches("(?=x)x")', 1, 9, "not an RE2 pattern"],
  ['claims.a.matches("(\\\\pL{500}){2}")', 1, 9, "RE2 pattern|too large"],
  ["'claims.a'", 1, 1, "never is"],
  ["claims", 1, 1, "never is"],
  ["[claims.a]", 1, 1, "never is"],
])("%p is a mistake at line %p, column %p", (condition, line, column, message) => {
  const error = thrownBy(() => compileWhen(condition));
  expect(error).toBeInstanceOf(ConditionError);
  const { line: atLine, column: atColumn, message: said } = error as ConditionError;
  expect([atLine, atColumn, said]).toEqual([line, column, expect.stringMatching(message)]);
});

test.each([
  ["brackets", `${"(".repeat(2_000)}1${")".repeat(2_000)} == claims.a`],
  ["sums", `claims.a == ${"1+".repeat(2_000)}1`],
  ["lists", `claims.a == ${"[".repeat(2_000)}${"]".repeat(2_000)}`],
  ["fields", `claims${".a".repeat(2_000)}`],
  ["choices", `${"claims.a || ".repeat(330)}true`],
])("a condition of thousands of %s is compiled or refused, and soon", (_name, condition) => {
  const started = performance.now();
  const when = thrownBy(() => compileWhen(condition)) ?? compileWhen(condition);
  if (typeof when === "function") expect(typeof when({ a: 1 })).toBe("boolean");
  else expect(when).toBeInstanceOf(ConditionError);
  expect(performance.now() - started).toBeLessThan(20_000);
});

describe("a macro over many members", () => {
  const groups = (count: number) => Array.from({ length: count }, (_, i) => String(i));

  test.each([
    ["claims.groups.exists(g, g == '3')", true],
    ["claims.groups.all(g, g in claims.groups)", true],
    ["claims.groups.map(g, g + g).size() > 0", true],
    ["claims.team == 'a' || claims.groups.exists(g, g == '3')", true],
    ["'3' in claims.groups", false],
    ["has(claims.groups)", false],
    ["claims.groups == claims.groups", false],
  ])("%s: %p", (condition, isMacro) => {
    const when = compileWhen(condition);
    expect(when({ team: "a", groups: groups(256) })).toBe(true);
    expect(when({ team: "a", groups: groups(257) })).toBe(!isMacro);
  });

  test("does not hold wherever they are", () => {
    const when = compileWhen("!claims.groups.exists(g, g == 'x')");
    const many = Object.fromEntries(groups(257).map((name) => [name, 1]));
    expect(when({ groups: ["a"] })).toBe(true);
    for (const more of [{ a: groups(257) }, { a: { b: groups(257) } }, { a: [[groups(257)]] }, { a: many }, many]) {
      expect(when({ ...more, groups: ["a"] })).toBe(false);
    }
  });
});

test("a pattern takes linear time", () => {
  const when = compileWhen('claims.a.matches("^(a|aa|a?)+$")');
  const started = performance.now();
  expect(when({ a: `${"a".repeat(12_000)}b` })).toBe(false);
  expect(performance.now() - started).toBeLessThan(20_000);
});

test("no claims make a condition throw, or pass one that they do not satisfy", () => {
  const conditions = [
    "claims.a == 1",
    'claims.a.matches("^x$")',
    "claims.a.exists(x, x > 3)",
    'claims.a["b"].c == "d"',
    "size(claims.a) > 100000",
  ].map(compileWhen);
  const anything = fc.oneof(fc.jsonValue(), fc.integer(), fc.string(), fc.double({ noNaN: true }));
  const run = (a: unknown) => conditions.map((when) => when(JSON.parse(JSON.stringify({ a: a ?? null }))));
  fc.assert(
    fc.property(anything, (a) => {
      const got = run(a);
      expect(got.every((one) => typeof one === "boolean")).toBe(true);
      expect(got[0]).toBe(a === 1);
      expect(got[1]).toBe(a === "x");
    }),
    { interruptAfterTimeLimit: 2_000 },
  );
});

test("any text is a condition or a mistake with a place", () => {
  const pieces = fc.constantFrom(
    "claims",
    ".a",
    "[",
    "]",
    "(",
    ")",
    '"x"',
    "==",
    "&&",
    "!",
    "1",
    "has",
    " ",
    "é",
    "\n",
    "?",
    ":",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.array(pieces).map((all) => all.join("")),
      ),
      (text) => {
        const error = thrownBy(() => compileWhen(text));
        if (error !== undefined) expect(error).toBeInstanceOf(ConditionError);
      },
    ),
    { interruptAfterTimeLimit: 3_000 },
  );
});

function thrownBy(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("in the configuration", () => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-when-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  function problemsOf(...trusted: object[]): string {
    const file = join(folder, "countersign.yaml");
    const rows = trusted.map((entry) => `    - ${JSON.stringify(entry)}\n`).join("");
    writeFileSync(file, `identity:\n  trusted:\n${rows}`);
    return String((thrownBy(() => loadConfig(file, {})) as Error | undefined)?.message ?? "").replaceAll(file, "FILE");
  }

  test("a mistake is told with its entry and its place", () => {
    expect(problemsOf(agentEntry("a.json"), agentEntry("a.json", { when: "claims.a ==\n 1 &&" }))).toMatch(
      /^FILE:4:\d+: identity\.trusted\[1\]\.when: not a CEL expression: .* \(line 2, column \d+ of the condition\)$/,
    );
    expect(problemsOf(agentEntry("a.json", { when: "" }))).toMatch(/when: must not be empty/);
    expect(problemsOf(agentEntry("a.json", { when: 'claims.a == "b"' }))).toBe("");
  });

  test("an issuer has one place of keys", () => {
    expect(problemsOf(agentEntry("a.json"), agentEntry("b.json", { agent: "other" }))).toMatch(
      /trusted\[1\]\.jwks: the keys of this issuer are at a\.json already/,
    );
  });
});

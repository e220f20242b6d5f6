import { compileCondition } from "../../src/policies/condition/compile.js";
import { ConditionError } from "../../src/policies/condition/error.js";
import type { Condition } from "../../src/policies/condition/flat.js";
import { vocabulary } from "../../src/policies/condition/vocabulary.js";

/** `line:column message`, or the compiled condition. */
function compiled(text: string): Condition | string {
  try {
    return compileCondition(text);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    return `${error.line}:${error.column} ${error.message}`;
  }
}

const known = Object.keys(vocabulary).join(", ");
const path = (...steps: string[]) => ({ path: steps });
const one = (atom: Condition["atoms"][number], negated = false): Condition => ({
  atoms: [atom],
  any: [[{ atom: 0, negated }]],
});

test.each<[string, Condition]>([
  ['env == "production"', one({ op: "==", left: path("environment"), right: { value: "production" } })],
  ["params.replicas > 10", one({ op: ">", left: path("params", "replicas"), right: { value: 10 } })],
  ["params.x >= -1.5", one({ op: ">=", left: path("params", "x"), right: { value: -1.5 } })],
  ["params.x == 1u", one({ op: "==", left: path("params", "x"), right: { value: 1 } })],
  ["params.x == null", one({ op: "==", left: path("params", "x"), right: { value: null } })],
  ['"sre" in agent.roles', one({ op: "in", left: { value: "sre" }, right: path("agent", "roles") })],
  ['env in ["a", "b"]', one({ op: "in", left: path("environment"), right: { value: ["a", "b"] } })],
  ['params["a.b"] == true', one({ op: "==", left: path("params", "a.b"), right: { value: true } })],
  ["has(params.a.b)", one({ op: "has", left: path("params", "a"), field: "b" })],
  ["size(params.hosts) < 3", one({ op: "<", left: { ...path("params", "hosts"), size: true }, right: { value: 3 } })],
  ["params.hosts.size() < 3", one({ op: "<", left: { ...path("params", "hosts"), size: true }, right: { value: 3 } })],
  ['env.matches("^prod")', one({ op: "matches", left: path("environment"), right: { value: "^prod" } })],
  ['env.startsWith("a")', one({ op: "startsWith", left: path("environment"), right: { value: "a" } })],
  ['env.endsWith("a")', one({ op: "endsWith", left: path("environment"), right: { value: "a" } })],
  ['"abc".contains(env)', one({ op: "contains", left: { value: "abc" }, right: path("environment") })],
  ["facts.tests_passed", one({ op: "is", left: path("facts", "tests_passed") })],
  ["!session.bound", one({ op: "is", left: path("session", "bound") }, true)],
  [
    '"pii" in session.data_classification',
    one({ op: "in", left: { value: "pii" }, right: path("session", "data_classification") }),
  ],
  ["session.anomalies > 2", one({ op: ">", left: path("session", "anomalies"), right: { value: 2 } })],
  [
    'attestation.session_integrity == "clean"',
    one({ op: "==", left: path("session_attestation", "session_integrity"), right: { value: "clean" } }),
  ],
  ["!attestation.anomalies_detected", one({ op: "is", left: path("session_attestation", "anomalies_detected") }, true)],
  ["has(attestation.role)", one({ op: "has", left: path("session_attestation"), field: "role" })],
  ['!(env != "a")', one({ op: "!=", left: path("environment"), right: { value: "a" } }, true)],
  ["true", one({ op: "is", left: { value: true } })],
  ["time.unix_ms < 5", one({ op: "<", left: path("time", "unix_ms"), right: { value: 5 } })],
  ['destination.host == "x"', one({ op: "==", left: path("destination", "host"), right: { value: "x" } })],
])("%s", (text, wanted) => expect(compiled(text)).toEqual(wanted));

test("&&, || and ! become alternatives of conjunctions", () => {
  const given = compiled("params.a && !(params.b || params.c) || params.d") as Condition;
  expect(given.atoms.map((atom) => ("left" in atom && "path" in atom.left ? atom.left.path[1] : ""))).toEqual([
    "a",
    "b",
    "c",
    "d",
  ]);
  expect(given.any).toEqual([
    [
      { atom: 0, negated: false },
      { atom: 1, negated: true },
      { atom: 2, negated: true },
    ],
    [{ atom: 3, negated: false }],
  ]);
});

describe("what is no CEL", () => {
  test.each([
    ["", "1:1 not a CEL expression: unexpected end of input"],
    ["  ", "1:3 not a CEL expression: unexpected end of input"],
    ["env ==", "1:5 not a CEL expression: unexpected ="],
    ['env = "x"', "1:5 not a CEL expression: unexpected ="],
    ['env == "a', "1:5 not a CEL expression: unexpected ="],
    ['env == "a" and true', "1:12 not a CEL expression: unexpected a"],
    ["(params.a", "1:10 not a CEL expression: unexpected end of input"],
    ['env ==\n "a" }', "2:6 not a CEL expression: unexpected }"],
    ['"\\ud800" == env', "1:16 not a CEL expression"],
  ])("%j", (text, wanted) => expect(compiled(text)).toBe(wanted));
});

describe("unknown names and fields", () => {
  test.each([
    ['foo == "a"', `1:1 unknown name \`foo\`; known are ${known}`],
    ['env == "a" &&\n  foo == 1', `2:3 unknown name \`foo\`; known are ${known}`],
    ['"😀" == env && foo == 1', `1:17 unknown name \`foo\`; known are ${known}`],
    ["toString == 1", `1:1 unknown name \`toString\`; known are ${known}`],
    ["attestation.anomalies", "1:12 `attestation` has no field `anomalies`"],
    ["attestation.agent_id", "1:12 `attestation` has no field `agent_id`"],
    ["session.session_integrity", "1:8 `session` has no field `session_integrity`"],
    ['agent.name == "a"', "1:6 `agent` has no field `name`"],
    ['agent["name"] == "a"', "1:6 `agent` has no field `name`"],
    ['agent.constructor == "a"', "1:6 `agent` has no field `constructor`"],
    ["has(agent.name)", "1:1 `agent` has no field `name`"],
    ['env.x == "a"', "1:4 `env` has no fields"],
    ["has(env.x)", "1:1 `env` has no fields"],
    ["size(params.a).b == 1", "1:15 `size(params.a)` has no fields"],
    ["params.a.b.c.d.e.f == 1", "1:17 a path has at most 6 steps"],
  ])("%j", (text, wanted) => expect(compiled(text)).toBe(wanted));
});

describe("types that never go together", () => {
  test.each([
    ["env", "1:1 this is a string, and a condition needs a bool"],
    ["!env", "1:2 this is a string, and a condition needs a bool"],
    ["true && size(env)", "1:9 this is a number, and a condition needs a bool"],
    ["params", "1:1 this is a map, and a condition needs a bool"],
    ["1", "1:1 this is a number, and a condition needs a bool"],
    ["env == 1", "1:4 `env` is a string and `1` a number: `==` cannot compare them"],
    ["env != true", "1:4 `env` is a string and `true` a bool: `!=` cannot compare them"],
    [
      'session.data_classification == "pii"',
      '1:29 `session.data_classification` is a list and `"pii"` a string: `==` cannot compare them',
    ],
    ['"a" in session.integrity', "1:4 `in` needs a list or map on the right, not a string"],
    ['session.bound == "x"', '1:15 `session.bound` is a bool and `"x"` a string: `==` cannot compare them'],
    ['destination.port < "9"', '1:18 `destination.port` is a number and `"9"` a string: `<` cannot compare them'],
    ["params.a < null", "1:10 `params.a` is a dyn and `null` a null: `<` cannot compare them"],
    ["agent.roles < agent.scopes", "1:13 `agent.roles` is a list and `agent.scopes` a list: `<` cannot compare them"],
    ['env in "abc"', "1:4 `in` needs a list or map on the right, not a string"],
    [
      'time.unix_ms.contains("1")',
      '1:13 `time.unix_ms` is a number and `"1"` a string: `contains` cannot compare them',
    ],
    ["env.startsWith(1)", "1:4 `env` is a string and `1` a number: `startsWith` cannot compare them"],
    ["size(time.unix_ms) > 1", "1:1 a number has no size"],
    ["env.matches(params.x)", "1:4 matches() takes a pattern that is written out"],
    ['env.matches("(")', '1:4 "(" is not an RE2 pattern'],
    ['env.matches("(?=a)")', '1:4 "(?=a)" is not an RE2 pattern'],
    ['env.matches("(?<a>x)")', "1:4 a named group is written (?P<name>...)"],
    ["params.a == 9007199254740993", "1:13 an integer beyond 2^53 cannot be compared exactly"],
    ["params.a in [1, -9007199254740993]", "1:13 an integer beyond 2^53 cannot be compared exactly"],
    ["params.a == 1e999", "1:13 not a finite number"],
  ])("%j", (text, wanted) => expect(compiled(text)).toBe(wanted));
});

describe("CEL that cannot become data", () => {
  const sides = "only names, fields, constants and size() can be compared";
  test.each([
    ["params.a ? true : false", "1:1 `? :` is not supported in a condition"],
    ["params.a + 1 == 2", `1:10 ${sides}`],
    ["-params.a > 1", `1:1 ${sides}`],
    ["params.l[0] == 1", `1:9 ${sides}`],
    ["[params.a] == [1]", `1:1 ${sides}`],
    ['{"a": 1} == params', `1:1 ${sides}`],
    ['params.a == b"x"', `1:13 ${sides}`],
    ["int(params.a) == 1", `1:1 ${sides}`],
    ['timestamp("2030-01-01T00:00:00Z") > params.a', `1:1 ${sides}`],
    ["params.l.exists(x, x > 1)", `1:9 ${sides}`],
    ['matches(env, "a")', "1:1 `matches` is written as text.matches(text)"],
    ['startsWith(env, "a")', "1:1 `startsWith` is written as text.startsWith(text)"],
    ['env.contains("a", "b")', "1:4 `contains` is written as text.contains(text)"],
    ["env.lowerAscii()", "1:4 `lowerAscii` is not supported in a condition"],
    ["size(1) > 1", "1:1 size() takes a name, as in size(params.hosts)"],
    ["size(size(env)) > 1", "1:1 size() takes a name, as in size(params.hosts)"],
    ["has(params)", "1:1 has() takes a field, as in has(params.replicas)"],
    ['has(params["x"])', "1:1 has() takes a field, as in has(params.replicas)"],
  ])("%j", (text, wanted) => expect(compiled(text)).toBe(wanted));
});

describe("size", () => {
  test("at most 4096 characters", () => {
    const text = (length: number): string => `env == "${"a".repeat(length - 9)}"`;
    expect(compiled(text(4_096))).toMatchObject({ any: [[{ atom: 0 }]] });
    expect(compiled(text(4_097))).toBe("1:1 a condition has at most 4096 characters");
  });

  test("at most 128 conjunctions after flattening", () => {
    const pairs = (count: number): string =>
      Array.from({ length: count }, (_, i) => `(params.a == ${i} || params.b == ${i})`).join(" && ");
    expect((compiled(pairs(7)) as Condition).any).toHaveLength(128);
    expect(compiled(pairs(8))).toBe("1:1 the condition is too intricate: split it into several actions or files");
    expect(compiled(`!(${pairs(8)})`)).toMatchObject({ atoms: expect.any(Array) });
  });

  test("deep nesting is refused or compiled, and quickly", () => {
    const started = performance.now();
    expect(compiled(`${"!".repeat(4_000)}true`)).toEqual(one({ op: "is", left: { value: true } }));
    expect(compiled(`${"(".repeat(40)}true${")".repeat(40)}`)).toEqual(one({ op: "is", left: { value: true } }));
    expect(compiled(`${"(".repeat(2_000)}true${")".repeat(2_000)}`)).toMatch(/^1:4005 not a CEL expression/);
    expect(compiled("(".repeat(4_000))).toMatch(/not a CEL expression/);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

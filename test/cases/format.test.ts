import { InvalidFile } from "../../src/files/located_yaml.js";
import { ruleKeys } from "../../src/policies/rules/table.js";
import { reasonTable } from "../../src/reasons.js";
import { parseCaseFile, readCaseFiles } from "./format.js";
import { runCase } from "./run.js";

const ground = `
description: a file
files:
  tools: [{name: t, match: {hosts: [t.internal], path: "/{action}"}, action: "{path.action}"}]
  agents: [{id: bot, scopes: ["*:*"]}]
  policies: {bot.yaml: {agent: bot, actions: [{name: run, max_n: 1, sanitize: {headers: {remove: [x-a]}}}]}}
call: {agent: bot, host: t.internal, path: /run, json: {n: 1}}
cases:
`;
const read = (text: string) => parseCaseFile("a.yaml", ground + text);

/** Runs the only case of the text; says whether it held. */
async function holds(text: string): Promise<boolean> {
  const [only] = read(text).cases;
  if (!only) throw new Error("no case");
  return runCase(only).then(
    () => true,
    (error: Error) => {
      if ("matcherResult" in error || /^expect/.test(error.message)) return false;
      throw error;
    },
  );
}

describe("the runner finds what is not as wanted", () => {
  const allowed = "status: 200, verdict: allow, reason: allowed";
  const denied = "status: 403, verdict: deny, reason: max_n";
  const sanitized = "status: 200, verdict: sanitize, reason: sanitized";
  test.each([
    ["", allowed, true],
    ["", "status: 403, verdict: deny, reason: max_n", false],
    ["", "status: 200, verdict: sanitize, reason: allowed", false],
    ["", "status: 200, verdict: allow, reason: sanitized", false],
    ["", `${allowed}, mode: shadow`, false],
    ["", `${allowed}, decision: deny`, false],
    ["", `${allowed}, approval: a`, false],
    ["", `${allowed}, headers: {a: b}`, false],
    ["", `${allowed}, violations: [{rule: max_n}]`, false],
    ["", `${allowed}, record: {agent_id: other}`, false],
    ["json: {n: 2}", denied, true],
    ["json: {n: 2}", `${denied}, told: max_m`, false],
    ["json: {n: 2}", `${denied}, error: RateLimited`, false],
    ["json: {n: 2}", `${denied}, detail: other`, false],
    ["json: {n: 2}", `${denied}, violations: []`, false],
    ["json: {n: 2}", `${denied}, violations: [{rule: max_n, limit: 2}]`, false],
    ["json: {n: 2}", `${denied}, headers: {cache-control: no-store, x-other: null}`, true],
    ["json: {n: 2}", `${denied}, headers: {cache-control: null}`, false],
    ["json: {n: 2}", `${denied}, tool_sees: {}`, false],
    ["headers: {x-a: b}", `${sanitized}, tool_sees: {headers: {x-a: null}}`, true],
    ["headers: {x-a: b}", `${sanitized}, tool_sees: {headers: {x-a: b}}`, false],
    ["headers: {x-a: b}, path: /run?q=1", `${sanitized}, tool_sees: {query: {q: "2"}}`, false],
  ])("call {%s}, want {%s}: %s", async (call, want, expected) => {
    expect(await holds(`  - {description: one, call: {${call}}, want: {${want}}}`)).toBe(expected);
  });
});

test.each([
  [
    "an unknown key",
    "  - {description: one, call: {}, want: {status: 200, verdict: allow, reason: allowed, verdicts: []}}",
    "verdicts",
  ],
  ["no want", "  - {description: one, call: {}}", "call and want belong together"],
  ["nothing at all", "  - {description: one}", "has either steps or call and want"],
  ["steps and a call", "  - {description: one, steps: [{after: 1s}], call: {}}", "has either steps or call and want"],
  ["an empty step", "  - {description: one, steps: [{}]}", "nothing happens in this step"],
  [
    "a status that no answer has",
    "  - {description: one, call: {}, want: {status: 204, verdict: allow, reason: allowed}}",
    "status",
  ],
])("a file with %s is refused with its place", (_, text, message) => {
  expect(() => read(text)).toThrow(InvalidFile);
  expect(() => read(text)).toThrow(/^a\.yaml:\d+:\d+: cases\[0\]/);
  expect(() => read(text)).toThrow(message);
});

test("patches go over what is there, step by step", () => {
  const [first] = read(`
  - description: one
    files: {config: {dry_run: true}}
    steps:
      - {call: {json: {m: 2}, path: null}, want: {status: 200, verdict: allow, reason: allowed}}
      - files: {config: {mode: shadow}, tools: []}
`).cases;
  expect(first?.files.config).toEqual({ dry_run: true });
  expect(first?.steps[0]?.call).toEqual({ agent: "bot", host: "t.internal", json: { n: 1, m: 2 } });
  expect(first?.steps[1]?.files).toMatchObject({ config: { dry_run: true, mode: "shadow" }, tools: [] });
  expect(first?.steps[1]?.files?.agents).toHaveLength(1);
});

test("there is a case for every reason that files and calls alone can bring about", () => {
  const steps = readCaseFiles().flatMap(({ cases }) => cases.flatMap((each) => each.steps));
  const wanted = new Set(steps.flatMap(({ want }) => want?.reason ?? []));
  const missing = reasonTable()
    .filter(({ error, reason }) => error !== "Unavailable" && !reason.includes("<"))
    .map(({ reason }) => reason)
    .filter((reason) => !wanted.has(reason));
  // The first takes the keys of another issuer; entries that overlap are a mistake of the catalogue, told when it is loaded;
  // people's no needs a call that waits for it; the last takes a call of over 64 KiB.
  expect(missing).toEqual(["token_condition", "ambiguous_tool", "approval_denied", "approval_too_large"]);
});

describe("every key of the policy language", () => {
  const rules = [...Object.keys(ruleKeys), "max_", "min_", "egress", "deny_actions", "approval_needed"];
  const all = readCaseFiles().flatMap(({ cases }) =>
    cases.flatMap(({ files, steps }) => steps.map((step) => ({ ...step, files }))),
  );
  /** What a breach is called: mostly as the key. */
  const reasons: Record<string, string> = { require: "session_" };
  const refusing = (rule: string) => (step: (typeof all)[number]) =>
    [step.want?.reason, ...(step.want?.violations ?? []).map((one) => one.rule)].some((broken) => {
      const reason = reasons[rule] ?? rule;
      return reason.endsWith("_") ? String(broken).startsWith(reason) : broken === reason;
    });

  test.each(rules)("%s has cases that it refuses, and cases that pass with it in force", (rule) => {
    const named = rule.endsWith("_") ? `"${rule}` : `"${rule}":`;
    const inForce = all.filter(({ files }) => JSON.stringify(files.policies).includes(named));
    expect(inForce.filter(refusing(rule)).length).toBeGreaterThan(0);
    expect(
      inForce.filter(({ want }) => want?.verdict === "allow" || want?.verdict === "sanitize").length,
    ).toBeGreaterThan(0);
  });
});

import { createEngine } from "../../src/evaluate/engine.js";
import { inputDocument } from "../../src/evaluate/input.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram, type Program } from "../../src/policies/program.js";
import { call, identity, session } from "../approvals/fixture.js";

const program = loadProgram();
const action = `
  - name: deploy
    allowed_environments: [staging, production]
    approval_needed: env == "nowhere"
    max_replicas: 50000
    params: {service: {type: string, pattern: "[a-z][a-z0-9-]{1,62}"}}`;
const others = Array.from({ length: 200 }, (_, i) => `\n  - {name: other-${i}, max_replicas: ${i}}`).join("");
const set = await compilePolicySet(
  [
    { file: "few.yaml", text: `agents: [few, again]\nactions:${action}` },
    { file: "many.yaml", text: `agent: many\nactions:${action}${others}` },
    { file: "rails.yaml", text: 'guardrail: true\nactions: [{name: "*", sanitize: {headers: {remove: [x-debug]}}}]' },
  ],
  program,
  "enforce",
);

/** An engine that keeps account of what the program is given, in characters of JSON. */
function counted() {
  const seen = { put: [] as string[], asked: [] as string[], inputs: [] as string[], taken: 0 };
  const wrapped: Program = {
    ...program,
    instantiate() {
      const instance = program.instantiate();
      return {
        ...instance,
        put(json) {
          seen.put.push(json);
          return instance.put(json);
        },
        ask(entrypoint, data, input) {
          seen.asked.push(entrypoint);
          seen.inputs.push(input);
          const answer = instance.ask(entrypoint, data, input);
          seen.taken = instance.taken();
          return answer;
        },
      };
    },
  };
  return { seen, engine: createEngine(wrapped) };
}

function inputOf(agent: string, changed: Partial<typeof call> = {}) {
  const asked = { ...call, environment: "staging", ...changed };
  asked.params = { service: "checkout", ...asked.params };
  return inputDocument({
    identity: identity(agent),
    call: asked,
    session,
    observed: null,
    override: null,
    nowMs: 0,
  });
}

function judge(engine: ReturnType<typeof createEngine>, agent: string, changed: Partial<typeof call> = {}): unknown {
  const { id, document } = set.documentOf(agent);
  return (engine.run(id, document, inputOf(agent, changed)) as { decision: { verdict: unknown } }).decision.verdict;
}

test("each call after the first is one question, and nothing is put before the program for it", () => {
  const { engine, seen } = counted();
  for (const agent of ["few", "many", "again"]) expect(judge(engine, agent)).toBe("allow");
  const before = seen.put.length;
  seen.asked.length = 0;
  for (let i = 0; i < 5; i++) for (const agent of ["few", "many", "again"]) judge(engine, agent);
  expect(seen.put).toHaveLength(before);
  expect(seen.asked).toEqual(Array.from({ length: 15 }, () => "countersign/at_once"));
});

test("what is put before the program does not grow with the actions that a call does not name", () => {
  const sizes = ["few", "many"].map((agent) => {
    const { engine, seen } = counted();
    judge(engine, agent);
    judge(engine, agent, { environment: "elsewhere" });
    const [shortcut, plan] = seen.put.slice(-2) as [string, string];
    return [shortcut.length, plan.replaceAll(/"(few|many)\.yaml"/g, "").length];
  });
  expect(sizes[1]).toEqual(sizes[0]);
});

test("agents of whom the same is asked share what is put before the program, whatever their files are called", () => {
  const { engine, seen } = counted();
  for (const agent of ["few", "many"]) expect(judge(engine, agent)).toBe("allow");
  const shortcuts = seen.put.filter((json) => json.startsWith('{"shortcut":'));
  expect(shortcuts).toHaveLength(1);
  expect(shortcuts[0]).not.toContain(".yaml");
});

test("agents of whom something else is asked share nothing", () => {
  const { engine, seen } = counted();
  const { id, document } = set.documentOf("few");
  const less = structuredClone(document);
  for (const { rules } of less.files.flatMap(({ actions }) => actions)) {
    for (const rule of rules) if (rule.kind === "max") rule.limit = 0;
  }
  expect(judge(engine, "few")).toBe("allow");
  expect(engine.run(id, less, inputOf("few"))).toMatchObject({ decision: { reason: "max_replicas" } });
  expect(judge(engine, "few")).toBe("allow");
  expect(seen.put.filter((json) => json.startsWith('{"shortcut":'))).toHaveLength(2);
});

test("the input does not grow with headers, parameters and members that no rule reads", () => {
  const { engine, seen } = counted();
  const long = "x".repeat(5_000);
  judge(engine, "few");
  judge(engine, "few");
  const plain = seen.inputs.at(-1) as string;
  const headers = [...call.http.headers, { name: "x-long", value: long }];
  judge(engine, "few", { http: { ...call.http, headers, path: `/${long}` }, params: { ...call.params, note: long } });
  expect((seen.inputs.at(-1) as string).length).toBeLessThan(plain.length + 20);
  expect(plain.length).toBeLessThan(500);
});

test("patterns are found out about beforehand, and the program compiles none", () => {
  const { engine, seen } = counted();
  judge(engine, "few");
  const input = JSON.parse(seen.inputs.at(-1) as string) as { matched: object };
  expect(input.matched).toEqual({ "\\A(?:[a-z][a-z0-9-]{1,62})\\z": { checkout: true } });
});

test("what an input says of patterns by itself is not believed", () => {
  const { id, document } = set.documentOf("few");
  const pattern = "\\A(?:[a-z][a-z0-9-]{1,62})\\z";
  // Beyond ASCII, so that the program itself has to look.
  const forged = { ...inputOf("few", { params: { service: "\u00e9" } }), matched: { [pattern]: { "\u00e9": true } } };
  const { engine } = counted();
  expect(engine.run(id, document, forged)).toMatchObject({ decision: { reason: "params" } });
  // Nor where nothing is prepared for the call.
  expect(engine.run(id, document, { ...forged, unmatched: "no" })).toMatchObject({ decision: { reason: "params" } });
});

test("one agent that names many actions takes a bounded place, and pushes nobody else out", () => {
  const { engine, seen } = counted();
  judge(engine, "many");
  for (let i = 0; i < 300; i++) judge(engine, "few", { action: `made-up-${i}` });
  const before = seen.put.length;
  judge(engine, "many");
  expect(seen.put).toHaveLength(before);
});

test("an agent that invents actions does not have its whole document put before the program for each", () => {
  const { engine, seen } = counted();
  const verdicts = Array.from({ length: 100 }, (_, i) => judge(engine, "many", { action: `invented-${i}` }));
  expect(new Set(verdicts)).toEqual(new Set(["deny"]));
  const whole = JSON.stringify({ policies: { many: set.documentOf("many").document } }).length;
  expect(seen.put.filter((json) => json.length === whole).length).toBeLessThan(10);
});

test("the usual rules and conditions are all asked in the short way, and what is not is asked as ever", () => {
  const { engine, seen } = counted();
  judge(engine, "few");
  const { shortcut } = JSON.parse(seen.put.at(-1) as string) as { shortcut: object };
  expect(shortcut).toMatchObject({
    environments: [{ staging: true, production: true }],
    params: {
      replicas: [["max", 50000]],
      service: [
        ["param_type", "string"],
        ["param_pattern", expect.any(String)],
      ],
    },
    conjunctions: [[["like", "environment", "nowhere"]]],
    others: [],
    conditions: [],
  });
});

test("a condition of no form that the compiler writes is no way to pass", () => {
  const { id, document } = set.documentOf("few");
  const emptied = structuredClone(document);
  for (const { approval } of emptied.files.flatMap(({ actions }) => actions)) if (approval) approval.condition.any = [];
  const { engine } = counted();
  expect(engine.run(id, emptied, inputOf("few"))).toMatchObject({ decision: { reason: "condition_error" } });
});

test("half a character in a parameter is no value that passes", () => {
  const { engine } = counted();
  let said: unknown;
  try {
    said = judge(engine, "few", { params: { service: "\ud800" } });
  } catch {
    said = "refused";
  }
  expect(["deny", "refused"]).toContain(said);
});

test("memory that was filled is started afresh, and everybody is judged by their own document after it", () => {
  const { engine, seen } = counted();
  let taken = 0;
  let fresh = 0;
  for (let i = 0; i < 40; i++) {
    const { id, document } = set.documentOf("few");
    const filled = structuredClone(document);
    for (const { rules } of filled.files.flatMap(({ actions }) => actions)) {
      for (const rule of rules) if (rule.kind === "environments") rule.values = Array(8_000).fill(`staging-${i}`);
    }
    const asked = { ...inputOf("few"), environment: `staging-${i}` };
    expect(engine.run(id, filled, asked)).toMatchObject({ decision: { verdict: "allow" } });
    expect(engine.run(id, filled, inputOf("few"))).toMatchObject({ decision: { reason: "allowed_environments" } });
    expect(judge(engine, "many")).toBe("allow");
    if (seen.taken < taken) fresh += 1;
    taken = seen.taken;
    expect(taken).toBeLessThan(20 * 1024 * 1024);
  }
  expect(fresh).toBeGreaterThan(0);
});

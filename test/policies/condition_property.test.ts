import { celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import fc from "fast-check";
import { compileCondition } from "../../src/policies/condition/compile.js";
import { ConditionError } from "../../src/policies/condition/error.js";
import type { Condition } from "../../src/policies/condition/flat.js";
import { vocabulary } from "../../src/policies/condition/vocabulary.js";
import type { AgentDocument } from "../../src/policies/document.js";
import { loadProgram } from "../../src/policies/program.js";
import { conditions, params, texts } from "./cel_grammar.js";

type Input = Record<string, unknown>;
type Truth = "true" | "false" | "error";

/** As the server makes it: of these only the environment may be missing. */
const input: fc.Arbitrary<Input> = fc.record(
  {
    agent: fc.record({ id: texts, roles: fc.array(texts, { maxLength: 2 }) }),
    environment: texts,
    params,
    session: fc.record({ bound: fc.boolean() }),
    facts: fc.record({ tests_passed: fc.boolean() }, { requiredKeys: [] }),
    destination: fc.record({ host: texts, port: fc.constantFrom(80, 443) }),
  },
  { requiredKeys: ["agent", "params", "session", "facts", "destination"] },
);

const instance = loadProgram().instantiate();

/** The truth of a condition by the policy program: it decides whether approval is needed, and fails where CEL does. */
function byProgram(condition: Condition, { agent, ...rest }: Input): Truth {
  const approval = { source: "", mode: "enforce" as const, condition };
  const document: AgentDocument = {
    mode: "enforce",
    failure_mode: "enforce",
    files: [{ file: "p.yaml", guardrail: false, grants: true, actions: [{ name: "act", rules: [], approval }] }],
    limits: {},
    needs: { detectors: [], patterns: [], zones: [], rego: [], session: false },
  };
  instance.setData({ policies: { "": document, a: document, "*": document } });
  const call = { agent, tool: "t", action: "act", ...rest };
  const [answer] = instance.evaluate(call) as { result: { decision: { reason: string } } }[];
  const truths: Record<string, Truth> = { approval_needed: "true", allowed: "false", condition_error: "error" };
  return truths[answer?.result.decision.reason ?? ""] ?? "error";
}

/**
 * The same by the CEL library. JSON has one kind of number, which CEL calls double; a literal `10` is an int there, and
 * CEL compares the two by value. A condition that is no bool is an error, as a whole and as an operand.
 */
function byLibrary(text: string, input: Input): Truth {
  const call = JSON.parse(JSON.stringify(input)) as Input;
  const bindings = Object.fromEntries(
    Object.entries(vocabulary).flatMap(([name, { path }]) => {
      const value = call[path[0] ?? ""];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const result = plan(celEnv(), parse(text))(bindings as Parameters<ReturnType<typeof plan>>[0]);
  if (isCelError(result) || typeof result !== "boolean") return "error";
  return result ? "true" : "false";
}

function compile(text: string): Condition | null {
  try {
    return compileCondition(text);
  } catch (error) {
    if (error instanceof ConditionError && error.message.includes("too intricate")) return null;
    throw error;
  }
}

test("the flattened form has the value that CEL gives, errors included", () => {
  const seen: Record<Truth, number> = { true: 0, false: 0, error: 0 };
  fc.assert(
    fc.property(conditions, fc.array(input, { minLength: 3, maxLength: 3 }), (text, calls) => {
      const condition = compile(text);
      fc.pre(condition !== null);
      for (const call of calls) {
        const truth = byProgram(condition as Condition, call);
        seen[truth]++;
        expect([text, call, truth]).toEqual([text, call, byLibrary(text, call)]);
      }
    }),
    { numRuns: 600, seed: Math.floor(Date.now() / 86_400_000), interruptAfterTimeLimit: 20_000 },
  );
  for (const truth of ["true", "false", "error"] as const) expect(seen[truth]).toBeGreaterThan(100);
});

/** Here this CEL library departs from cel-spec, and the policy program keeps to it. */
describe("where the library differs from the specification", () => {
  const call = { agent: { id: "a" }, params: { s: "text", m: { none: null }, high: "\u{1F600}" } };
  test.each<[string, Truth, Truth]>([
    // "In all other cases, has(e.f) evaluates to an error" (cel-spec, field selection).
    ["has(params.s.field)", "error", "false"],
    // A key of a map is there whatever its value ("`e in m`: is the key present").
    ['"none" in params.m', "true", "false"],
    ["has(params.m.none)", "true", "false"],
    // Strings are ordered by code point, not by UTF-16 unit.
    ['params.high > "\uff5e"', "true", "false"],
  ])("%s", (text, program, library) => {
    expect(byProgram(compileCondition(text), call)).toBe(program);
    expect(byLibrary(text, call)).toBe(library);
  });
});

test("an environment that is not there fails the condition, unless another operand decides", () => {
  const call = { agent: { id: "a" }, params: {} };
  const truth = (text: string): Truth => byProgram(compileCondition(text), call);
  expect(truth('env == "production"')).toBe("error");
  expect(truth('!(env == "production")')).toBe("error");
  expect(truth('env == "production" || true')).toBe("true");
  expect(truth('env == "production" && false')).toBe("false");
  expect(truth("has(params.replicas) && params.replicas > 5")).toBe("false");
  expect(truth("params.replicas > 5")).toBe("error");
  expect(truth("params.replicas == null")).toBe("error");
});

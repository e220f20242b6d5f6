import { isDeepStrictEqual } from "node:util";
import { createEngine } from "../../src/evaluate/engine.js";
import type { AgentDocument } from "../../src/policies/document.js";
import { loadProgram } from "../../src/policies/program.js";
import { readCaseFiles } from "../cases/format.js";
import { runCase } from "../cases/run.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type Calls, sampleCalls } from "./cases.js";
import { askOpa } from "./opa_server.js";

const opa = await requirePart("opa", findOpa);
/** Another one each day, so that all the days together see more; a failure tells it. */
const seed = Math.floor(Date.now() / 86_400_000);
const sets = sampleCalls(1_050, 10, seed);

/** One instance for all, as in the server: what one call leaves behind must not reach the next. */
function askWasm(asked: readonly Calls[]): unknown[][][] {
  const instance = loadProgram().instantiate();
  return asked.map(({ policies, inputs }) => {
    instance.setData({ policies });
    return inputs.map((input) => (instance.evaluate(input) as { result: unknown }[]).map(({ result }) => result));
  });
}

const given = askWasm(sets);

/** As the server asks: with what it prepared, and with no more of the input than is read. */
function askEngine(asked: readonly Calls[]): unknown[][][] {
  const engine = createEngine(loadProgram());
  return asked.map(({ policies, inputs }) =>
    inputs.map((input) => {
      const { id = "" } = Object((Object(input) as { agent?: unknown }).agent) as { id?: string };
      const own = Object.hasOwn(policies, id) ? id : "*";
      return [engine.run(own, policies[own] as AgentDocument, input)];
    }),
  );
}

/** Every evaluation in every decision case, with what the program of the server answered. */
async function casesAsCalls(): Promise<{ calls: Calls[]; answers: unknown[] }> {
  const calls: Calls[] = [];
  const answers: unknown[] = [];
  for (const { cases } of readCaseFiles()) {
    for (const each of cases) {
      await runCase(each, {
        wrap: ({ engine }) => ({
          engine: {
            ...engine,
            run(id, document, input, entrypoint) {
              const answer = engine.run(id, document, input, entrypoint);
              calls.push({ policies: { [id]: document }, inputs: [input] });
              answers.push(answer);
              return answer;
            },
          },
        }),
      });
    }
  }
  return { calls, answers };
}

describeWith(opa, "OPA and the WebAssembly program", (use) => {
  test("give the same answers to random calls under random policies", async () => {
    const wanted = await askOpa(use().program, sets);
    const differing = sets.flatMap(({ policies, inputs }, i) =>
      inputs.flatMap((input, j) => {
        const [wasm, real] = [given[i]?.[j], wanted[i]?.[j]];
        return isDeepStrictEqual(wasm, real) ? [] : [{ seed, policies, input, wasm, opa: real }];
      }),
    );
    expect(differing.slice(0, 1)).toEqual([]);
    expect(given.flat().length).toBeGreaterThanOrEqual(10_000);
  }, 240_000);
});

describeWith(opa, "every decision case", (use) => {
  test("gets the same answer from OPA as in the server", async () => {
    process.env.OPA_BIN ??= use().program;
    const { calls, answers } = await casesAsCalls();
    const wanted = (await askOpa(use().program, calls)).flat();
    const differing = calls.flatMap((call, i) =>
      isDeepStrictEqual([answers[i]], wanted[i]) ? [] : [{ ...call, wasm: answers[i], opa: wanted[i] }],
    );
    expect(differing.slice(0, 1)).toEqual([]);
    expect(calls.length).toBeGreaterThan(400);
  }, 240_000);
});

test("what the server prepares and leaves out changes no answer", () => {
  const prepared = askEngine(sets);
  const differing = sets.flatMap(({ policies, inputs }, i) =>
    inputs.flatMap((input, j) => {
      const [engine, wasm] = [prepared[i]?.[j], given[i]?.[j]];
      return isDeepStrictEqual(engine, wasm) ? [] : [{ seed, policies, input, engine, wasm }];
    }),
  );
  expect(differing.slice(0, 1)).toEqual([]);
});

test("the random calls reach every verdict and every kind of rule", () => {
  const answers = given.flat().flatMap(([result]) => (result === undefined ? [] : [result as Answer]));
  const views = answers.map(({ decision }) => decision);
  expect(new Set(views.map(({ verdict }) => verdict))).toEqual(
    new Set(["allow", "deny", "sanitize", "approval_needed"]),
  );
  const broken = views.flatMap(({ violations }) => violations.map(({ kind, rule }) => kind ?? rule));
  expect([...new Set(broken)].sort()).toEqual([
    "action_not_allowed",
    "additional",
    "approval_needed",
    "condition_error",
    "cost",
    "deny_actions",
    "dlp_deny",
    "dlp_redact",
    "dlp_tag",
    "egress",
    "environments",
    "images",
    "max",
    "min",
    "no_policy",
    "param_enum",
    "param_forbid",
    "param_pattern",
    "param_required",
    "param_type",
    "rego",
    "session_anomalies",
    "session_bound",
    "session_clearance",
    "session_integrity",
    "session_role",
    "window_allow",
    "window_deny",
  ]);
  expect(views.filter(({ redeems }) => redeems).length).toBeGreaterThan(10);
  expect(views.filter(({ redact }) => redact.length > 0).length).toBeGreaterThan(1);
  expect(views.filter(({ terms }) => terms.length > 0).length).toBeGreaterThan(10);
  expect(answers.filter(({ tags }) => tags.length > 0).length).toBeGreaterThan(10);
  expect(answers.filter(({ costs }) => costs.length > 0).length).toBeGreaterThan(10);
});

interface Answer {
  decision: {
    verdict: string;
    violations: { rule: string; kind?: string }[];
    redeems: boolean;
    redact: unknown[];
    terms: unknown[];
  };
  tags: unknown[];
  costs: unknown[];
}

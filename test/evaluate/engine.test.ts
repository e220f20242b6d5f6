import { createEngine } from "../../src/evaluate/engine.js";
import { inputDocument } from "../../src/evaluate/input.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram, type Program } from "../../src/policies/program.js";
import { call, identity, session } from "../approvals/fixture.js";

const program = loadProgram();
const set = await compilePolicySet(
  [
    { file: "a.yaml", text: "{agent: deploy-manager, actions: [{name: deploy, max_replicas: 5}]}" },
    { file: "b.yaml", text: "{agent: other-agent, actions: [{name: deploy, max_replicas: 2}]}" },
  ],
  program,
  "enforce",
);

function verdict(engine: ReturnType<typeof createEngine>, agent: string): unknown {
  const { id, document } = set.documentOf(agent);
  const input = inputDocument({ identity: identity(agent), call, session, observed: null, override: null, nowMs: 0 });
  return (engine.run(id, document, input) as { decision: { reason: unknown } }).decision.reason;
}

/** The real program, counting its instances; one of them can be told to fail. */
function counted() {
  const seen = { instances: 0, loads: 0, failing: null as "setData" | "evaluate" | null };
  const wrapped: Program = {
    ...program,
    instantiate() {
      seen.instances += 1;
      const instance = program.instantiate();
      const fail = (step: string) => {
        if (seen.failing === step) throw new Error("aborted");
      };
      return {
        setData(data) {
          seen.loads += 1;
          fail("setData");
          instance.setData(data);
        },
        evaluate(...asked) {
          fail("evaluate");
          return instance.evaluate(...asked);
        },
      };
    },
  };
  return { seen, engine: createEngine(wrapped) };
}

test("each call is judged by its own agent's document, whoever called before", () => {
  const { engine, seen } = counted();
  const told = ["deploy-manager", "other-agent", "stranger", "deploy-manager", "other-agent"].map((agent) =>
    verdict(engine, agent),
  );
  expect(told).toEqual(["allowed", "max_replicas", "no_policy", "allowed", "max_replicas"]);
  expect(seen.instances).toBe(1);
});

test("a document that is there already is not loaded again", () => {
  const { engine, seen } = counted();
  for (let i = 0; i < 5; i++) verdict(engine, "deploy-manager");
  expect(seen.loads).toBe(1);
  verdict(engine, "other-agent");
  expect(seen.loads).toBe(2);
});

test.each(["setData", "evaluate"] as const)("an instance that fails in %s is not used again", (step) => {
  const { engine, seen } = counted();
  expect(verdict(engine, "deploy-manager")).toBe("allowed");
  seen.failing = step;
  expect(() => verdict(engine, "other-agent")).toThrow("aborted");
  seen.failing = null;
  expect(verdict(engine, "deploy-manager")).toBe("allowed");
  expect(verdict(engine, "other-agent")).toBe("max_replicas");
  expect(seen.instances).toBe(2);
});

test.each([[[]], [[{ result: 1 }, { result: 2 }]], [undefined], [null], ["result"]])("%j is no answer", (results) => {
  const engine = createEngine({
    ...program,
    instantiate: () => ({ setData: () => undefined, evaluate: () => results }),
  });
  expect(() => verdict(engine, "deploy-manager")).toThrow("no single result");
});

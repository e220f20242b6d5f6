import { createEngine } from "../../src/evaluate/engine.js";
import { inputDocument } from "../../src/evaluate/input.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { type Entrypoint, loadProgram, type Program } from "../../src/policies/program.js";
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
  const seen = { instances: 0, put: 0, asked: [] as string[], failing: null as "put" | "ask" | null };
  const wrapped: Program = {
    ...program,
    instantiate() {
      seen.instances += 1;
      const instance = program.instantiate();
      const fail = (step: string) => {
        if (seen.failing === step) throw new Error("aborted");
      };
      return {
        ...instance,
        put(json) {
          seen.put += 1;
          fail("put");
          return instance.put(json);
        },
        ask(...asked) {
          seen.asked.push(asked[0]);
          fail("ask");
          return instance.ask(...asked);
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

test("what was put before the program is not put there again, whoever called meanwhile", () => {
  const { engine, seen } = counted();
  for (let i = 0; i < 5; i++) verdict(engine, "deploy-manager");
  // The document, and then the shortcut that the program made of it.
  expect(seen.put).toBe(2);
  verdict(engine, "other-agent");
  // The plan as well, since this call does not pass.
  expect(seen.put).toBe(5);
  for (const agent of ["deploy-manager", "other-agent", "deploy-manager"]) verdict(engine, agent);
  expect(seen.put).toBe(5);
  expect(seen.asked.filter((entrypoint) => entrypoint === "countersign/prepared")).toHaveLength(2);
});

test.each(["put", "ask"] as const)("an instance that fails in %s is not used again", (step) => {
  const { engine, seen } = counted();
  expect(verdict(engine, "deploy-manager")).toBe("allowed");
  seen.failing = step;
  expect(() => verdict(engine, "other-agent")).toThrow("aborted");
  seen.failing = null;
  expect(verdict(engine, "deploy-manager")).toBe("allowed");
  expect(verdict(engine, "other-agent")).toBe("max_replicas");
  expect(seen.instances).toBe(2);
});

/** An engine whose program gives these results to one entrypoint, and what it was asked. */
function answering(instead: { entrypoint: Entrypoint; results: string }) {
  const asked: Entrypoint[] = [];
  const engine = createEngine({
    ...program,
    instantiate() {
      const instance = program.instantiate();
      return {
        ...instance,
        ask(entrypoint, ...rest) {
          asked.push(entrypoint);
          return entrypoint === instead.entrypoint ? instead.results : instance.ask(entrypoint, ...rest);
        },
      };
    },
  });
  return { engine, asked };
}

test.each(["[]", '[{"result":1},{"result":2}]', "{}", "null", '"result"'])("%s is no answer", (results) => {
  const prepared = answering({ entrypoint: "countersign/prepared", results });
  expect(() => verdict(prepared.engine, "deploy-manager")).toThrow("no single result");
  // A call that the shortcut lets through asks no further.
  const answer = answering({ entrypoint: "countersign/answer", results });
  expect(() => verdict(answer.engine, "other-agent")).toThrow("no single result");
});

test.each(["[]", '[{"result":true}]', "{}", ""])(
  "%p of a shortcut lets nobody pass, and the plan is asked",
  (results) => {
    const { engine, asked } = answering({ entrypoint: "countersign/at_once", results });
    expect(verdict(engine, "deploy-manager")).toBe("allowed");
    expect(verdict(engine, "other-agent")).toBe("max_replicas");
    expect(asked.filter((entrypoint) => entrypoint === "countersign/answer")).toHaveLength(2);
  },
);

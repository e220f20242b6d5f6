import fc from "fast-check";
import { InvalidFile } from "../../src/files/located_yaml.js";
import type { AgentDocument } from "../../src/policies/document.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import type { Program } from "../../src/policies/program.js";
import { loadProgram } from "../../src/policies/program.js";
import { conditions, numbers, params, texts } from "../policies/cel_grammar.js";

/** One call before one set of policies. */
export interface Case {
  policies: Record<string, AgentDocument>;
  input: unknown;
}

const mode = fc.constantFrom("enforce", "shadow");
const agents = fc.constantFrom("a", "a", "a", "b");
const tools = fc.constantFrom("deploy-api", "deploy-api", "deploy-api", "aws");
const actions = fc.constantFrom("deploy", "deploy", "deploy", "iam:List");
const environments = fc.constantFrom("staging", "prod", "dev");
const digests = fc.constantFrom("sha256:aa", "sha256:bb");
const repositories = fc.constantFrom("shop/web", "registry:5000/shop/web", "shop");
const names = (name: fc.Arbitrary<string>) => fc.array(name, { minLength: 1, maxLength: 2 });
const rule = <T>(value: fc.Arbitrary<T>) => fc.oneof(value, fc.record({ value, mode }));
const sanitizing = fc.record(
  {
    headers: fc.record({ set: fc.constant({ "x-safe": "1" }), remove: fc.constant(["x-debug"]) }, { requiredKeys: [] }),
    query: fc.record({ remove: fc.constant(["token"]) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

/** Present in about one of `outOf` cases; keys that are `undefined` are not written. */
const sometimes = <T>(outOf: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 1, arbitrary: value }, { weight: outOf - 1, arbitrary: fc.constant(undefined) });

const images = fc.array(fc.record({ digest: digests, repository: sometimes(2, repositories) }), { maxLength: 2 });
const asks = fc.oneof(fc.boolean(), fc.constant('env == "prod"'), conditions);
/** Mostly of one or two rules, so that calls get past them. */
const action = fc.record({
  name: fc.oneof({ weight: 2, arbitrary: actions }, { weight: 1, arbitrary: fc.constant("*") }),
  mode: sometimes(5, mode),
  allowed_environments: sometimes(4, rule(names(environments))),
  allowed_images: sometimes(6, rule(images)),
  max_n: sometimes(5, rule(numbers)),
  min_n: sometimes(6, rule(numbers)),
  max_s: sometimes(9, rule(numbers)),
  approval_needed: sometimes(3, rule(asks)),
  sanitize: sometimes(4, sanitizing),
});

const scope = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      agents: names(fc.oneof({ weight: 4, arbitrary: agents }, { weight: 1, arbitrary: fc.constant("*") })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ guardrail: true }) },
);
const file = fc
  .tuple(
    scope,
    fc.record({
      mode: sometimes(3, mode),
      tools: sometimes(3, names(tools)),
      deny_actions: sometimes(6, rule(names(fc.constantFrom("iam:*", "iam:List", "read", "deploy")))),
      actions: fc.array(action, { maxLength: 3 }),
    }),
  )
  .map(([who, what]) => ({ ...who, ...what }));

const image = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("", "shop/web", "shop/web:1", "shop:1", "registry:5000/shop/web:2", "shop:1/evil"),
      fc.constantFrom("@", ""),
      digests,
    )
    .map((parts) => parts.join("")),
  texts,
);

/** Any part of an input may be missing, or be of another kind than it should. */
const odd = fc.constantFrom<unknown>(null, 7, "x", [], {}, true);
const maybeOdd = <T>(good: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: odd });
const http = fc.record(
  {
    headers: maybeOdd(fc.dictionary(fc.constantFrom("x-debug", "accept"), texts, { maxKeys: 2 })),
    query: maybeOdd(fc.dictionary(fc.constantFrom("token", "q"), texts, { maxKeys: 2 })),
  },
  { requiredKeys: [] },
);
const input = fc.record(
  {
    agent: maybeOdd(fc.record({ id: maybeOdd(agents), roles: names(texts) }, { requiredKeys: ["id"] })),
    tool: maybeOdd(tools),
    action: maybeOdd(actions),
    environment: maybeOdd(environments),
    images: maybeOdd(fc.array(image, { maxLength: 2 })),
    params: maybeOdd(params),
    http: maybeOdd(http),
    facts: fc.record({ tests_passed: maybeOdd(fc.boolean()) }, { requiredKeys: [] }),
    session: fc.record({ bound: maybeOdd(fc.boolean()) }, { requiredKeys: [] }),
    destination: fc.record({ host: texts, port: fc.constantFrom(80, 443) }),
    approval: sometimes(4, fc.record({ id: texts })),
  },
  { requiredKeys: ["agent", "tool", "action"] },
);
const present = fc.oneof(
  { weight: 9, arbitrary: input },
  {
    weight: 1,
    arbitrary: fc
      .subarray(["agent", "tool", "action"])
      .chain((keys) =>
        input.map((whole) => Object.fromEntries(Object.entries(whole).filter(([key]) => !keys.includes(key)))),
      ),
  },
);

const program = loadProgram();

/** Some conditions are refused as too intricate; then the case is none. */
const cases: fc.Arbitrary<Case | null> = fc
  .tuple(fc.array(file, { minLength: 1, maxLength: 3 }), mode, present)
  .map(([files, defaultMode, asked]) => {
    try {
      const written = files.map((content, index) => ({ file: `f${index}.yaml`, text: JSON.stringify(content) }));
      const set = compilePolicySet(written, program, defaultMode === "shadow" ? "shadow" : "enforce");
      return { policies: Object.fromEntries(set.documents), input: asked };
    } catch (error) {
      if (error instanceof InvalidFile && /too intricate/.test(error.message)) return null;
      throw error;
    }
  });

/** The same cases for the same seed. */
export function sampleCases(count: number, seed: number): Case[] {
  return fc.sample(cases, { numRuns: count, seed }).filter((sample) => sample !== null);
}

/** The program's result set for one case: `[]` when it gives no decision. */
export function judge(from: Program, { policies, input: asked }: Case): unknown[] {
  const instance = from.instantiate();
  instance.setData({ policies });
  return (instance.evaluate(asked) as { result: unknown }[]).map(({ result }) => result);
}

import fc from "fast-check";
import { InvalidFile } from "../../src/files/located_yaml.js";
import type { AgentDocument } from "../../src/policies/document.js";
import type { Program } from "../../src/policies/program.js";
import { loadProgram } from "../../src/policies/program.js";
import { policySetOf } from "../harness/policy_set.js";
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
const names = <T>(name: fc.Arbitrary<T>) => fc.array(name, { minLength: 1, maxLength: 2 });
const breach = fc.constantFrom("deny", "approval_needed", "approval_needed");
const said = { mode, on_violation: breach };
const rule = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof(value, fc.record({ value, ...said }, { requiredKeys: ["value"] as never[] }));
const sanitizing = fc.record(
  {
    headers: fc.record(
      { set: fc.constant({ "x-safe": "1" }), remove: fc.constant(["x-debug"]), redact: fc.constant(["accept"]) },
      { requiredKeys: [] },
    ),
    query: fc.record({ remove: fc.constant(["token"]), redact: fc.constant(["q"]) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

/** Present in about one of `outOf` cases; keys that are `undefined` are not written. */
const sometimes = <T>(outOf: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 1, arbitrary: value }, { weight: outOf - 1, arbitrary: fc.constant(undefined) });

/** A rule that people cannot let pass. */
const inMode = <T>(value: fc.Arbitrary<T>) => fc.oneof(value, fc.record({ value, mode }));
const images = fc.array(
  fc.oneof(
    fc.record({ digest: digests, repository: sometimes(2, repositories) }),
    fc.record({ repository: repositories }),
  ),
  { maxLength: 2 },
);
const parameters = fc.constantFrom("n", "s", "m", "l", "N");
const detectorNames = ["email", "ssn", "ticket"];
const payloads = fc.constantFrom("ssh", "base64", "url", "private_ip");
const zones = ["UTC", "Europe/Berlin"];
const spec = fc.record(
  {
    type: fc.constantFrom("string", "number", "integer", "boolean", "list", "map"),
    enum: names(fc.oneof(texts, numbers, fc.boolean())),
    forbid: names(payloads),
    required: fc.boolean(),
    ...said,
  },
  { requiredKeys: [] },
);
const patterned = fc.record({
  pattern: fc.constantFrom("[a-z]+", "(?i)a.*", "a|b", "(?m)^a$"),
  required: fc.boolean(),
});
const windowed = fc.record({
  days: names(fc.constantFrom("mon", "tue-thu", "fri-mon", "sun-sat")),
  hours: fc.constantFrom("09:00-17:00", "22:00-06:00", "00:00-24:00"),
});
const windows = fc
  .record(
    { time_zone: fc.constantFrom(...zones), allow: names(windowed), deny: names(windowed) },
    { requiredKeys: ["time_zone"] },
  )
  .filter(({ allow, deny }) => allow !== undefined || deny !== undefined);
const roles = fc.constantFrom("lead", "sre", "intern");
const clearances = fc.constantFrom("tier-0", "tier-1", "tier-2");
const classifications = ["pii", "Pii", "config"];
const ofSession = fc.constantFrom(
  'env == "prod"',
  'env == "staging"',
  'has(params.n) && !("pii" in session.data_classification)',
  'session.integrity == "clean" || size(attestation.data_classification) > 1',
  "attestation.anomalies_detected",
  "session.anomalies > 1",
  'attestation.role == "intern"',
);
const requirement = fc
  .record(
    {
      when: fc.oneof(ofSession, ofSession, conditions),
      roles: names(roles),
      integrity: fc.constant("clean"),
      no_anomalies: fc.constant(true),
      clearance: fc.dictionary(fc.constantFrom(...classifications), fc.oneof(clearances, names(clearances)), {
        minKeys: 1,
        maxKeys: 2,
      }),
    },
    { requiredKeys: [] },
  )
  .filter(({ when: _, ...asked }) => Object.keys(asked).length > 0);
const dlpAction = fc.constantFrom("redact", "deny", "tag");
const dlp = fc.record(
  {
    email: fc.oneof(dlpAction, fc.record({ action: dlpAction, ...said })),
    ssn: dlpAction,
    ticket: fc.record({ action: dlpAction, pattern: fc.constant("T-[0-9]+") }),
  },
  { requiredKeys: [] },
);
const packages = ["agent.deploy", "agent.other"];
const cost = fc.oneof(
  fc.constantFrom(0, 1, 2.5),
  fc.record({ base: fc.constantFrom(1, 2), per: fc.dictionary(parameters, fc.constantFrom(0.5, 3), { maxKeys: 2 }) }),
);
const approval = fc
  .record(
    {
      approvers: names(fc.constantFrom("sre", "security")),
      quorum: fc.constantFrom(1, 2),
      hold: fc.constant("30s"),
      escalate: fc.record({ after: fc.constantFrom("5m", "1h"), to: names(fc.constantFrom("leads", "security")) }),
    },
    { requiredKeys: [] },
  )
  .filter((terms) => Object.keys(terms).length > 0);
const hosts = fc.constantFrom("*.internal", "a.internal:443", "api.example", "10.0.0.1:80");
const asks = fc.oneof(fc.boolean(), fc.constant('env == "prod"'), conditions, ofSession);
/** Mostly of one or two rules, so that calls get past them. */
const action = fc.record({
  name: fc.oneof({ weight: 2, arbitrary: actions }, { weight: 1, arbitrary: fc.constant("*") }),
  mode: sometimes(5, mode),
  on_violation: sometimes(8, breach),
  params: sometimes(4, fc.dictionary(parameters, fc.oneof(spec, patterned), { maxKeys: 2 })),
  additional_params: sometimes(9, rule(fc.constantFrom("deny", "allow"))),
  windows: sometimes(6, rule(windows)),
  require: sometimes(3, rule(fc.oneof(requirement, names(requirement)))),
  dlp: sometimes(4, dlp),
  rego: sometimes(8, inMode(names(fc.constantFrom(...packages)))),
  cost: sometimes(5, cost),
  approval: sometimes(5, approval),
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
      egress: sometimes(8, rule(fc.record({ allow: names(hosts) }))),
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
/** Mostly everything has been looked for, and little was found. */
const found = fc.record({
  complete: fc.constantFrom(true, true, true, true, true, true, true, false),
  detectors: fc.oneof(
    { weight: 9, arbitrary: fc.constant([...detectorNames, "ssh", "base64", "url", "private_ip"]) },
    { weight: 1, arbitrary: fc.subarray(detectorNames) },
  ),
  hits: maybeOdd(
    fc.array(
      fc.record(
        {
          detector: fc.constantFrom(...detectorNames, ...detectorNames, "ssh", "url"),
          in: fc.constantFrom("params", "headers", "query"),
          name: fc.constantFrom("n", "s", "x-debug"),
          redactable: fc.constantFrom(true, true, false),
        },
        { requiredKeys: ["detector", "in", "name"] },
      ),
      { maxLength: 2 },
    ),
  ),
});
const otherSpelling = params.map((values) => ({ ...values, N: 1 }));
/** Mostly of a clean session that is bound. */
const integrities = fc.constantFrom("clean", "clean", "clean", "suspect", "compromised");
const touched = maybeOdd(fc.array(maybeOdd(fc.constantFrom(...classifications, "PII")), { maxLength: 2 }));
const session = fc.record(
  {
    bound: maybeOdd(fc.constantFrom(true, true, true, false)),
    data_classification: touched,
    integrity: maybeOdd(integrities),
    anomalies: maybeOdd(fc.constantFrom(0, 0, 1, 3)),
  },
  { requiredKeys: ["bound"] },
);
const attestation = fc.record(
  {
    role: maybeOdd(roles),
    clearance: maybeOdd(clearances),
    data_classification: touched,
    anomalies_detected: maybeOdd(fc.constantFrom(false, false, true)),
    session_integrity: maybeOdd(integrities),
  },
  { requiredKeys: ["data_classification", "anomalies_detected", "session_integrity"] },
);
const local = maybeOdd(fc.record({ day: fc.integer({ min: 0, max: 6 }), minute: fc.integer({ min: 0, max: 1439 }) }));
const truth = fc.oneof({ weight: 8, arbitrary: fc.boolean() }, { weight: 1, arbitrary: odd });
const answer = fc.oneof(
  { weight: 8, arbitrary: fc.record({ deny: fc.constant(false), requires_human_approval: truth, allow: truth }) },
  { weight: 2, arbitrary: fc.record({ deny: truth, requires_human_approval: truth, allow: truth }) },
  { weight: 1, arbitrary: fc.constant({ failed: "deadline" }) },
);
const input = fc.record(
  {
    agent: maybeOdd(fc.record({ id: maybeOdd(agents), roles: names(texts) }, { requiredKeys: ["id"] })),
    tool: maybeOdd(tools),
    action: maybeOdd(actions),
    environment: maybeOdd(environments),
    images: maybeOdd(fc.array(image, { maxLength: 2 })),
    params: maybeOdd(fc.oneof({ weight: 9, arbitrary: params }, { weight: 1, arbitrary: otherSpelling })),
    http: maybeOdd(http),
    facts: fc.record({ tests_passed: maybeOdd(fc.boolean()) }, { requiredKeys: [] }),
    session: maybeOdd(session),
    session_attestation: maybeOdd(attestation),
    destination: maybeOdd(
      fc.record({
        host: fc.constantFrom("a.internal", "x.a.internal", "internal", "api.example", "10.0.0.1"),
        port: fc.constantFrom(80, 443),
      }),
    ),
    dlp: maybeOdd(found),
    time: maybeOdd(
      fc.record({ unix_ms: fc.nat(), zones: maybeOdd(fc.record({ UTC: local, "Europe/Berlin": local })) }),
    ),
    rego: maybeOdd(fc.dictionary(fc.constantFrom(...packages), answer, { maxKeys: 2 })),
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

/** One set of policies, and calls before it. */
export interface Calls {
  policies: Record<string, AgentDocument>;
  inputs: unknown[];
}

/** Some conditions are refused as too intricate; then the case is none. */
const calls = (each: number): fc.Arbitrary<Calls | null> =>
  fc
    .tuple(
      fc.array(file, { minLength: 1, maxLength: 3 }),
      mode,
      fc.array(present, { minLength: each, maxLength: each }),
    )
    .map(([files, defaultMode, inputs]) => {
      try {
        const written = files.map((content, index) => [`f${index}.yaml`, JSON.stringify(content)]);
        const set = policySetOf(Object.fromEntries(written), program, defaultMode === "shadow" ? "shadow" : "enforce");
        return { policies: Object.fromEntries(set.documents), inputs };
      } catch (error) {
        if (error instanceof InvalidFile && /too intricate/.test(error.message)) return null;
        throw error;
      }
    });

/** As many sets of policies with so many calls each; the same ones for the same seed. */
export function sampleCalls(sets: number, each: number, seed: number): Calls[] {
  return fc.sample(calls(each), { numRuns: sets, seed }).filter((sample) => sample !== null);
}

/** Cases of one call each. */
export function sampleCases(count: number, seed: number): Case[] {
  return sampleCalls(count, 1, seed).map(({ policies, inputs: [input] }) => ({ policies, input }));
}

/** The program's result set for one case: `[]` when it gives no decision. */
export function judge(from: Program, { policies, input: asked }: Case): unknown[] {
  const instance = from.instantiate();
  instance.setData({ policies });
  return (instance.evaluate(asked) as { result: unknown }[]).map(({ result }) => result);
}

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { compileRego, type RegoSource } from "../../src/rego/compile.js";
import { createRegoPool, type RegoPool } from "../../src/rego/pool.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { deploy } from "./policies.js";

const opa = await requirePart("opa", findOpa);
const none = { deny: false, requires_human_approval: false, allow: false };
/** Far more than an evaluation takes, on a machine that is busy with other tests too. */
const patient = 5_000;

describeWith(opa, "policies in Rego", (use) => {
  let pool: RegoPool;
  beforeAll(() => {
    pool = createRegoPool({ deadlineMs: patient });
  });
  afterAll(() => pool.close());

  /** What the rules of one package say of an input. */
  async function ask(source: RegoSource, input: unknown): Promise<unknown> {
    const name = /^package (\S+)/.exec(source.text)?.[1] ?? "";
    const rego = await compileRego([source], [name], { opa: use().program });
    return (await pool.evaluate(rego, [name], input, "a"))[name];
  }
  const rules = (text: string, input: unknown = {}) => ask({ file: "p.rego", text: `package p\n\n${text}\n` }, input);

  const attested = { anomalies_detected: false, role: "platform-lead", data_classification: [] };
  const bound = { session: { bound: true } };
  const production = (attestation: object) => ({
    environment: "production",
    session_attestation: attestation,
    ...bound,
  });
  test.each<[string, object, object]>([
    ["nothing", {}, none],
    [
      "staging with its facts",
      { environment: "staging", facts: { artifact_signed: true, tests_passed: true } },
      { ...none, allow: true },
    ],
    ["staging with one fact", { environment: "staging", facts: { artifact_signed: true } }, none],
    [
      "facts that the agent only claims",
      { environment: "staging", params: { artifact_signed: true, tests_passed: true } },
      none,
    ],
    ["an action that is denied", { action: "iam:CreateRole" }, { ...none, deny: true }],
    ["production", { environment: "production" }, { ...none, requires_human_approval: true }],
    ["production, attested", production(attested), { deny: false, requires_human_approval: true, allow: true }],
    [
      "production, attested of a session that no credential binds",
      { ...production(attested), session: { bound: false } },
      { ...none, requires_human_approval: true },
    ],
    [
      "production, with anomalies",
      production({ ...attested, anomalies_detected: true }),
      { ...none, requires_human_approval: true },
    ],
    [
      "production, another role",
      production({ ...attested, role: "intern" }),
      { ...none, requires_human_approval: true },
    ],
    [
      "personal data without clearance",
      production({ ...attested, data_classification: ["pii"] }),
      { deny: true, requires_human_approval: true, allow: true },
    ],
    [
      "personal data with clearance",
      production({ ...attested, data_classification: ["pii"], clearance: "tier-1" }),
      { deny: false, requires_human_approval: true, allow: true },
    ],
  ])("run as they are written: %s", async (_what, input, wanted) => {
    expect(await ask(deploy, input)).toEqual(wanted);
  });

  test.each<[string, string, unknown]>([
    ["no rules", "other := 1", none],
    ["undefined rules", "allow if input.absent\ndeny if input.absent == 1", none],
    [
      "all rules",
      "allow := true\ndeny := true\nrequires_human_approval := true",
      { deny: true, requires_human_approval: true, allow: true },
    ],
    ["a set", 'deny contains "no" if true', { failed: "not_boolean" }],
    ["an empty set", 'deny contains "no" if false', { failed: "not_boolean" }],
    ["a text", 'allow := "true"', { failed: "not_boolean" }],
    ["a number", "requires_human_approval := 0", { failed: "not_boolean" }],
    ["null", "allow := true\ndeny := null", { failed: "not_boolean" }],
    ["a map", "allow := true\ndeny.x := false", { failed: "not_boolean" }],
    ["two values for one rule", "allow := true if input\nallow := false if input", { failed: "error" }],
    [
      "two values for a rule that is not asked for",
      "allow := true\nx := 1 if input\nx := 2 if input",
      { ...none, allow: true },
    ],
    ["a comparison with nothing in not", "allow if not input.absent == 1", { ...none, allow: true }],
    ["a call with nothing in not", "allow if not abs(input.absent) == 1", none],
    ["a call that fails in not", "allow if not 1 / 0 == 1", none],
  ])("say what their rules say: %s", async (_what, text, wanted) => {
    expect(await rules(text)).toEqual(wanted);
  });

  test("may be written from the package above", async () => {
    const above = { file: "a.rego", text: "package agent\n\ndeploy.allow := true\n" };
    const below = { file: "b.rego", text: "package agent.deploy\n\nx := 1\n" };
    const rego = await compileRego([above, below], ["agent.deploy"], { opa: use().program });
    expect(await pool.evaluate(rego, ["agent.deploy"], {}, "a")).toEqual({ "agent.deploy": { ...none, allow: true } });
  });

  test("may have helpers in packages that nothing binds", async () => {
    const helper = {
      file: "h.rego",
      text: "package lib.h\n\ntrusted if verify_signature(input.session_attestation)\n",
    };
    const user = { file: "u.rego", text: "package user\n\nimport data.lib.h\n\nallow if h.trusted\n" };
    const rego = await compileRego([helper, user], ["user"], { opa: use().program });
    expect(await pool.evaluate(rego, ["user"], { session_attestation: { a: 1 }, ...bound }, "a")).toEqual({
      user: { ...none, allow: true },
    });
    expect(await pool.evaluate(rego, ["user"], {}, "a")).toEqual({ user: none });
  });

  test("verify the session's attestation and nothing else", async () => {
    const source = {
      file: "v.rego",
      text: [
        "package v",
        "allow if verify_signature(input.x)",
        "deny if verify_signature(input.x) == false",
        "requires_human_approval if not verify_signature(input.x)\n",
      ].join("\n"),
    };
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 }),
    );
    const pair = fc.oneof(
      fc.tuple(value, value),
      value.map((one) => [one, one] as const),
    );
    await fc.assert(
      fc.asyncProperty(pair, async (given) => {
        const [x, session_attestation] = JSON.parse(JSON.stringify(given));
        const object = typeof x === "object" && x !== null && !Array.isArray(x);
        const verified = object && isDeepStrictEqual(x, session_attestation);
        const wanted = { allow: verified, deny: !verified, requires_human_approval: !verified };
        expect(await ask(source, { x, session_attestation, ...bound })).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
    const refused = { ...none, deny: true, requires_human_approval: true };
    expect(await ask(source, { x: attested, ...bound })).toEqual(refused);
    expect(await ask(source, { session_attestation: attested, ...bound })).toEqual(none);
    const given = { x: attested, session_attestation: attested };
    for (const session of [undefined, null, {}, true, [], { bound: false }, { bound: "true" }, { bound: 1 }]) {
      expect([session, await ask(source, { ...given, session })]).toEqual([session, refused]);
    }
  });
});

import { delimiter, dirname } from "node:path";
import { isOmitted, type RecordedEvaluation } from "../../src/audit/form.js";
import { type Rejudged, rejudge } from "../../src/backtest/rejudge.js";
import { seesSession } from "../../src/backtest/sees_session.js";
import { createEngine } from "../../src/evaluate/engine.js";
import { createRegoPool } from "../../src/rego/pool.js";
import { type Asked, policiesOf, program, recorder } from "../audit/decisions.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";

const pool = createRegoPool({ workers: 1, deadlineMs: 5_000, maxWaitMs: 60_000 });
afterAll(() => pool.close());

const file = (action: object) => ({ "a.yaml": { agent: "deploy-manager", actions: [{ name: "deploy", ...action }] } });

/** What the second policies say of a call that was recorded under the first, with more in its input. */
async function again(before: object, after: object, asked: Asked, more: object = {}): Promise<Rejudged> {
  const ask = await recorder({ ...before });
  const { opa_decision } = JSON.parse(JSON.stringify(await ask(asked)));
  const policies = await policiesOf({ ...after });
  const recorded = { ...opa_decision, input: { ...opa_decision.input, ...more } };
  return rejudge(recorded as RecordedEvaluation, { policies, engine: createEngine(program), rego: pool });
}

const said = ({ enforced }: Rejudged) => ("view" in enforced ? enforced.view.reason : enforced.undecidable);

test("local time is what it was in the zone that the candidate asks for", async () => {
  // The record is of Sunday, 12:00 UTC: 21:00 in Tokyo.
  const within = (hours: string) => ({ windows: { time_zone: "Asia/Tokyo", allow: [{ days: ["sun"], hours }] } });
  expect(said(await again(file({}), file(within("20:30-21:30")), {}))).toBe("allowed");
  expect(said(await again(file(within("20:30-21:30")), file(within("09:00-17:00")), {}))).toBe("windows");
  expect(said(await again(file(within("20:30-21:30")), file({}), {}))).toBe("allowed");
});

describe("detectors", () => {
  const mail: Asked = { params: { note: "to alice@example.com" } };

  test("go by what was found when the call was made", async () => {
    expect(said(await again(file({ dlp: { email: "tag" } }), file({ dlp: { email: "deny" } }), mail))).toBe("dlp");
    expect(said(await again(file({ dlp: { email: "tag" } }), file({ dlp: { email: "deny" } }), {}))).toBe("allowed");
  });

  test("that were not run then cannot say anything", async () => {
    expect(said(await again(file({}), file({ dlp: { email: "deny" } }), mail))).toEqual([
      "the call was not searched for email",
    ]);
    const forbid = { params: { note: { forbid: ["url"] } } };
    expect(said(await again(file({ dlp: { email: "tag" } }), file(forbid), mail))).toEqual([
      "the call was not searched for url",
    ]);
  });

  test("of the user's own are the same only in the same policies", async () => {
    const own = (pattern: string) => file({ dlp: { ticket: { action: "deny", pattern } } });
    const asked = { params: { note: "T-12" } };
    expect(said(await again(own("T-[0-9]+"), own("T-[0-9]+"), asked))).toBe("dlp");
    expect(said(await again(own("T-[0-9]+"), own("T-[0-9]{3}"), asked))).toEqual([
      "the call was not searched for ticket",
    ]);
  });
});

describe("the session", () => {
  const bound = { id: "s-1", bound: true };
  const attested = { data_classification: [], anomalies_detected: false, session_integrity: "clean", role: "lead" };
  const seen = (more: object = {}) => ({ session: bound, session_attestation: { ...attested, ...more } });
  const unseen = ["nobody looked at the session"];
  const inProduction = { when: 'env == "production"', integrity: "clean" };

  test.each<[string, object, Asked, object, unknown]>([
    ["that was looked at", { require: { roles: ["lead"] } }, {}, seen(), "allowed"],
    ["that was looked at", { require: { roles: ["sre"] } }, {}, seen(), "session_role"],
    [
      "that touched data",
      { require: { clearance: { pii: "t1" } } },
      {},
      seen({ data_classification: ["pii"] }),
      "session_touched_pii",
    ],
    [
      "with a masked role",
      { require: { roles: ["lead"] } },
      {},
      seen({ role: "[email]" }),
      ["session_attestation.role is masked"],
    ],
    ["that nobody looked at", { require: { integrity: "clean" } }, {}, { session: bound }, unseen],
    ["that nobody looked at", { approval_needed: "session.anomalies > 0" }, {}, { session: bound }, unseen],
    ["that nobody looked at", { approval_needed: 'session.id == "s-1"' }, {}, { session: bound }, "approval_needed"],
    [
      "that no credential binds",
      { require: { integrity: "clean" } },
      {},
      { session: { id: "s-1", bound: false } },
      "session_unbound",
    ],
    [
      "that is refused anyway",
      { require: { integrity: "clean" }, max_replicas: 1 },
      { params: { replicas: 2 } },
      { session: bound },
      "max_replicas",
    ],
    [
      "of a call that is not asked",
      { require: inProduction },
      { environment: "staging" },
      { session: bound },
      "allowed",
    ],
    ["of a call that is asked", { require: inProduction }, { environment: "production" }, { session: bound }, unseen],
    [
      "of a call that may be asked",
      { require: { ...inProduction, when: "params.pin == 1" } },
      { params: { pin: 2 } },
      seen(),
      ["params.pin is masked"],
    ],
    [
      "of a call for which a condition would have looked",
      { require: { ...inProduction, when: '"pii" in session.data_classification' } },
      {},
      { session: bound },
      unseen,
    ],
  ])("%s, before %j", async (_, action, asked, more, wanted) => {
    expect(said(await again(file({}), file(action), asked, more))).toEqual(wanted);
  });
});

test.each<[string, boolean]>([
  ["allow if input.params.replicas < 5", false],
  ['allow if input["params"].replicas < 5', false],
  ["inputs := 1\nallow if inputs == 1", false],
  ["allow if input.session.bound", true],
  ["allow if input.session_attestation.role == input.params.role", true],
  ['allow if input["session_attestation"].role', true],
  ["allow if verify_signature(input.session_attestation)", true],
  ["allow if some part in input", true],
  ["allow if input[name].x", true],
  ["allow if object.get(input, name, 1) == 1", true],
  ["import input.session as s", true],
  ["import input as i", true],
])("the user's Rego may look at the session with %s: %s", (text, wanted) => {
  expect(
    seesSession({
      sources: [
        { file: "a.rego", text: "package a\n" },
        { file: "b.rego", text },
      ],
    }),
  ).toBe(wanted);
  expect(seesSession(null)).toBe(false);
});

test("of a call whose action was masked nobody knows which rules it is under", async () => {
  const action = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln";
  expect(said(await again(file({}), file({}), { action }))).toEqual(["action is masked"]);
});

const rego = (body: string) => ({
  ...file({ rego: ["agent.deploy"] }),
  "deploy.rego": `package agent.deploy\n\n${body}\n`,
});

const opa = await requirePart("opa", findOpa);

describeWith(opa, "the user's Rego", (use) => {
  const { PATH } = process.env;
  beforeAll(() => {
    process.env.PATH = [dirname(use().program), PATH].join(delimiter);
  });
  afterAll(() => {
    process.env.PATH = PATH;
  });

  test("judges the call again", async () => {
    const small = rego("allow if input.params.replicas < 5");
    expect(said(await again(file({}), small, { params: { replicas: 3 } }))).toBe("allowed");
    expect(said(await again(file({}), small, { params: { replicas: 7 } }))).toBe("rego");
  });

  test("sees that there was a credential, as it did then", async () => {
    const shown = rego('allow if input.http.headers.authorization == "[credential]"');
    expect(said(await again(file({}), shown, { headers: [["authorization", "Bearer x"]] }))).toBe("allowed");
  });

  test("that looks at the session needs a record of it", async () => {
    const clean = rego('allow if input.session_attestation.session_integrity == "clean"');
    expect(said(await again(file({}), clean, {}))).toEqual(["nobody looked at the session"]);
    const seen = { session_attestation: { session_integrity: "clean" } };
    expect(said(await again(file({}), clean, {}, seen))).toBe("allowed");
  });

  test("may have looked at anything that was masked", async () => {
    const any = rego("allow if true");
    expect(said(await again(file({}), any, { params: { pin: 1 } }))).toEqual(["params is masked"]);
    expect(said(await again(file({}), any, { headers: [["x-auth-token", "t"]] }))).toEqual(["http.headers is masked"]);
    const environment = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln";
    expect(said(await again(file({}), any, { environment }))).toEqual(["environment is masked"]);
  });
});

test("a record is not touched", async () => {
  const ask = await recorder(file({}));
  const { opa_decision } = JSON.parse(JSON.stringify(await ask({ headers: [["authorization", "Bearer x"]] })));
  const before = JSON.stringify(opa_decision);
  const policies = await policiesOf(file({ windows: { allow: [{ days: ["mon"] }] } }));
  await rejudge(opa_decision, { policies, engine: createEngine(program), rego: null });
  expect(JSON.stringify(opa_decision)).toBe(before);
  expect(isOmitted(opa_decision.input)).toBe(false);
});

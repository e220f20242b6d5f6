import type { AgentDocument } from "../../src/policies/document.js";
import { loadProgram } from "../../src/policies/program.js";
import { policySetOf } from "../harness/policy_set.js";
import { judge } from "./cases.js";
import type { Fields } from "./damages.js";

const program = loadProgram();

/** A call that keeps every rule below, with what the server finds out about it. */
const call: Fields = {
  agent: { id: "a" },
  tool: "deploy-api",
  action: "deploy",
  params: { replicas: 3, service: "web" },
  destination: { host: "deploy.internal", port: 443, scheme: "https" },
  http: { headers: { "x-note": "see SECRET" }, query: {} },
  dlp: {
    detectors: ["email", "url", "own"],
    complete: true,
    hits: [{ detector: "own", in: "headers", name: "x-note", redactable: true }],
  },
  time: { unix_ms: 1_772_366_400_000, zones: { UTC: { day: 0, minute: 720 } } },
  session: { id: "s-1", bound: true, data_classification: ["config"] },
  session_attestation: {
    role: "lead",
    data_classification: ["config"],
    anomalies_detected: false,
    session_integrity: "clean",
  },
  rego: { own: { deny: false, requires_human_approval: false, allow: true } },
};

/** Verdict and reason of what is enforced, with the places that are redacted. */
function judged(policy: string, input: Fields): string {
  const policies: Record<string, AgentDocument> = {
    a: policySetOf({ "p.yaml": `{agent: a, ${policy}}` }, program).documentOf("a").document,
  };
  const [answer] = judge(program, { policies, input }) as { enforced: Fields }[];
  const { verdict, reason, redact } = answer?.enforced ?? { verdict: "no", reason: "decision", redact: [] };
  return `${verdict} ${reason}${(redact as Fields[]).map(({ name }) => ` ${name}`).join("")}`;
}

const action = (rules: string): string => `actions: [{name: deploy, ${rules}}]`;
/** Values that are nothing of what is expected. `undefined` is left out of the input. */
const nothing = [undefined, null, 7, "x", true, [], {}, [[]]];

const hit = { detector: "email", in: "params", name: "service", redactable: false };
/** A hit of this kind with each of these members missing, or of another kind. */
const oddHits = (whole: Fields, members: readonly string[]): unknown[] => [
  ...[null, 7, "x", [], {}],
  ...members.flatMap((key) => [undefined, null, 7, [], {}].map((odd) => ({ ...whole, [key]: odd }))),
];
const oddScans = (detector: string, like: Fields, members = Object.keys(hit)): unknown[] => [
  ...nothing,
  { hits: [] },
  ...[null, 7, detector, {}, { a: detector }, ["other"], [[detector]]].map((detectors) => ({ detectors, hits: [] })),
  { detectors: [detector], complete: true },
  ...[undefined, null, false, "true"].map((complete) => ({ detectors: [detector], complete, hits: [] })),
  ...[null, 7, "x", {}, { a: { ...hit } }].map((hits) => ({ detectors: [detector], complete: true, hits })),
  ...oddHits({ ...like, detector }, members).map((one) => ({ detectors: [detector], complete: true, hits: [one] })),
];

const local = { day: 0, minute: 720 };
const oddTimes = [
  ...nothing,
  ...[...nothing, { "Europe/Berlin": local }].map((zones) => ({ zones })),
  ...[...nothing, { day: 0 }, { minute: 720 }, { day: "0", minute: 720 }, { day: 0, minute: "720" }].map((utc) => ({
    zones: { UTC: utc },
  })),
  { zones: { UTC: { day: null, minute: null } } },
];

const answer = { deny: false, requires_human_approval: false, allow: true };
const oddAnswers = [
  ...nothing,
  { other: answer },
  ...[...nothing, { failed: "error" }, { ...answer, failed: undefined, deny: undefined }].map((own) => ({ own })),
  ...Object.keys(answer).flatMap((rule) =>
    [undefined, null, 0, 1, "true", "false", [], {}].map((odd) => ({ own: { ...answer, [rule]: odd } })),
  ),
];

const oddDestinations = [
  ...nothing,
  "deploy.internal:443",
  { host: "deploy.internal" },
  { port: 443 },
  ...[null, 7, "", ["deploy.internal"], { a: "deploy.internal" }].map((host) => ({ host, port: 443 })),
  ...[null, "443", [443], true].map((port) => ({ host: "deploy.internal", port })),
];

const session = { bound: true };
const oddSessions = [...nothing, { bound: false }, ...odds("bound", session, [true])];
const attestation = {
  role: "lead",
  data_classification: ["config"],
  anomalies_detected: false,
  session_integrity: "clean",
};
/** The attestation with one member missing, of another kind, or of another value. */
const oddAttestations = (member: keyof typeof attestation, more: unknown[] = []): unknown[] => [
  ...nothing,
  [attestation],
  ...odds(member, attestation),
  ...more.map((odd) => ({ ...attestation, [member]: odd })),
];

function odds(member: string, whole: Fields, but: readonly unknown[] = []): Fields[] {
  const values = [undefined, null, 0, 1, 7, "", "x", "true", "false", true, {}, { a: "config" }, [null], [["config"]]];
  return values.filter((odd) => !but.includes(odd)).map((odd) => ({ ...whole, [member]: odd }));
}

const oddParams = [undefined, null, 7, "x", true, [], [{ service: "web" }], ["service"]];

/** What each rule reads, and what it may find there that proves nothing. */
const table: [rule: string, policy: string, part: string, odd: unknown[], whole?: string][] = [
  ["egress", "actions: [{name: deploy}], egress: {allow: ['deploy.internal:443']}", "destination", oddDestinations],
  [
    "egress by wildcard",
    "actions: [{name: deploy}], egress: {allow: ['*.internal:443']}",
    "destination",
    oddDestinations,
  ],
  ["windows to allow", action("windows: {allow: [{days: [sun]}]}"), "time", oddTimes],
  ["windows to deny", action('windows: {deny: [{days: [mon]}, {hours: "13:00-14:00"}]}'), "time", oddTimes],
  ["dlp that denies", action("dlp: {email: deny}"), "dlp", oddScans("email", hit)],
  ["dlp that tags", action("dlp: {email: tag}"), "dlp", oddScans("email", hit, ["detector"])],
  [
    "dlp that redacts",
    action("dlp: {own: {action: redact, pattern: SECRET}}"),
    "dlp",
    oddScans("own", { ...hit, in: "headers", name: "x-note", redactable: true }),
    "sanitize sanitized x-note",
  ],
  ["params that forbid", action("params: {service: {forbid: [url]}}"), "dlp", oddScans("url", hit)],
  ["rego", action("rego: [own]"), "rego", oddAnswers],
  ["require, of a bound session", action("require: {clearance: {pii: tier-1}}"), "session", oddSessions],
  [
    "require with roles",
    action("require: {roles: [lead]}"),
    "session_attestation",
    oddAttestations("role", ["Lead", "intern", ["lead"], []]),
  ],
  [
    "require that the session is clean",
    action("require: {integrity: clean}"),
    "session_attestation",
    oddAttestations("session_integrity", ["suspect", "compromised", "Clean", ["clean"], []]),
  ],
  [
    "require that there was no anomaly",
    action("require: {no_anomalies: true}"),
    "session_attestation",
    oddAttestations("anomalies_detected", [[], "no"]),
  ],
  [
    "require with a clearance",
    action("require: {clearance: {pii: tier-1}}"),
    "session_attestation",
    oddAttestations("data_classification", ["pii", ["pii"], ["config", "PII"], ["Pii"], [7], [true], { pii: 1 }]),
  ],
  [
    "require of calls that a condition does not excuse",
    action('require: {when: "!(\\"config\\" in session.data_classification)", roles: [other]}'),
    "session",
    [...nothing, { bound: true, data_classification: [] }, ...odds("data_classification", session, ["config"])],
  ],
  ["params that are required", action("params: {service: {required: true}}"), "params", oddParams],
  ["params with a type", action("params: {service: {type: string}}"), "params", oddParams],
  ["params with a pattern", action("params: {service: {pattern: web}}"), "params", oddParams],
  ["params with an enum", action("params: {service: {enum: [web]}}"), "params", oddParams],
  ["params that forbid, without params", action("params: {service: {forbid: [url]}}"), "params", oddParams],
  [
    "additional_params",
    action("additional_params: deny, max_replicas: 5, params: {service: {type: string}}"),
    "params",
    oddParams,
  ],
  ["cost", action("cost: {per: {replicas: 1}}"), "params", oddParams],
];

describe.each(table)("%s", (_rule, policy, part, odd, whole = "allow allowed") => {
  test("is kept by the call as it is", () => {
    expect(judged(policy, call)).toBe(whole);
  });

  test("is broken by whatever proves nothing", () => {
    const passed = odd.filter((value) => /^(allow|sanitize)/.test(judged(policy, { ...call, [part]: value })));
    expect(passed).toEqual([]);
  });
});

test.each([...nothing, { id: null }, { id: 7 }, { id: ["apr_1"] }, { other: "apr_1" }])(
  "an approval that is %j is none",
  (approval) => {
    expect(judged(action("approval_needed: true"), { ...call, approval })).toBe("approval_needed approval_needed");
    expect(judged(action("approval_needed: true"), { ...call, approval: { id: "apr_1" } })).toBe("allow allowed");
  },
);

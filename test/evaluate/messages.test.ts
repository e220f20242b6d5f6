import { describe as tell } from "../../src/evaluate/messages.js";

const message = (finding: Parameters<typeof tell>[0]) => tell(finding).message;

test.each<[Parameters<typeof tell>[0], string]>([
  [
    { rule: "max_replicas", kind: "max", param: "replicas", limit: 50, actual: 200 },
    "replicas 200 is above max_replicas 50",
  ],
  [{ rule: "min_replicas", kind: "min", param: "replicas", limit: 2, actual: 1 }, "replicas 1 is below min_replicas 2"],
  [{ rule: "max_n", kind: "max", param: "n", limit: 1, actual: "2" }, "n is not a number, and max_n limits it"],
  [{ rule: "max_n", kind: "max", param: "n", limit: 1, actual: null }, "n is not a number, and max_n limits it"],
  [
    { rule: "allowed_environments", kind: "environments", limit: ["staging", "qa"], actual: "prod" },
    "environment prod is not one of staging, qa",
  ],
  [
    { rule: "allowed_environments", kind: "environments", limit: ["staging"], actual: null },
    "the call names no environment",
  ],
  [
    { rule: "allowed_images", kind: "images", actual: [] },
    "the call names no image, and only approved images are allowed",
  ],
  [
    { rule: "allowed_images", kind: "images", actual: ["a", "b"] },
    "image a, b is not allowed: every image needs an approved digest",
  ],
  [{ rule: "deny_actions", actual: "iam:CreateRole" }, "action iam:CreateRole is denied by name"],
  [{ rule: "no_policy" }, "no policy names this agent"],
  [
    { rule: "condition_error", limit: "params.n > 1" },
    "the condition params.n > 1 could not be evaluated for this call",
  ],
  [{ rule: "approval_needed", limit: "true" }, "the policy asks for approval: true"],
  [
    { rule: "egress", limit: ["*.internal", "a.b:443"], actual: { host: "evil.example", port: 22 } },
    "destination evil.example:22 is not one of *.internal, a.b:443",
  ],
  [{ rule: "egress", limit: [], actual: null }, "destination unknown is not one of "],
  [{ rule: "params", kind: "param_required", param: "branch" }, "branch is required and missing"],
  [{ rule: "params", kind: "param_type", param: "n", limit: "integer", actual: 1.5 }, "n is not of type integer"],
  [
    { rule: "params", kind: "param_pattern", param: "b", limit: "v[0-9]+", actual: "x" },
    "b does not match v[0-9]+ as a whole",
  ],
  [{ rule: "params", kind: "param_enum", param: "r", limit: ["eu", 1], actual: "us" }, "r is not one of eu, 1"],
  [
    { rule: "params", kind: "param_forbid", param: "note", limit: "ssh" },
    "note holds something that looks like ssh, which is forbidden there",
  ],
  [
    { rule: "additional_params", kind: "additional", limit: ["a"], actual: ["b", "c"] },
    "the policy does not list parameter b, c",
  ],
  [
    { rule: "windows", kind: "window_allow", limit: { time_zone: "Europe/Berlin" }, actual: { day: 0, minute: 65 } },
    "outside the permitted hours: it is Sunday 01:05 in Europe/Berlin",
  ],
  [
    { rule: "windows", kind: "window_deny", limit: { time_zone: "UTC" }, actual: null },
    "within blocked hours: it is an unknown time in UTC",
  ],
  [
    { rule: "dlp", kind: "dlp_deny", limit: "ssn", actual: [{ in: "params", name: "note" }] },
    "params.note holds ssn, which must not leave",
  ],
  [
    { rule: "dlp", kind: "dlp_redact", limit: "email", actual: [{ in: "params", name: "to" }] },
    "params.to holds email, which cannot be redacted there",
  ],
  [{ rule: "dlp", kind: "dlp_deny", limit: "ssn", actual: [] }, "the call was not searched for ssn"],
  [{ rule: "dlp", kind: "dlp_tag", limit: "ssn", actual: [] }, "the call was not searched for ssn"],
  [{ rule: "rego", kind: "rego", limit: "a.b", actual: { deny: true } }, "package a.b denies the call"],
  [{ rule: "rego", kind: "rego", limit: "a.b", actual: { deny: false } }, "package a.b does not allow the call"],
  [
    { rule: "rego", kind: "rego", limit: "a.b", actual: { failed: "deadline" } },
    "package a.b could not be evaluated: deadline",
  ],
  [{ rule: "rego", kind: "rego", limit: "a.b", actual: null }, "package a.b was not evaluated"],
  [
    { rule: "cost", kind: "cost", limit: { replicas: 1, cpus: 2 } },
    "the cost of the call cannot be told: replicas, cpus must be numbers from 0",
  ],
  [
    { rule: "max_replicas", kind: "max", param: "replicas", limit: 5, actual: null, spelled: ["Replicas"] },
    "Replicas is another spelling of replicas, which max_replicas speaks of",
  ],
  [{ rule: "session_unbound", kind: "session_bound" }, "the credential of the call binds no session"],
  [
    { rule: "session_role", kind: "session_role", limit: ["lead", "sre"], actual: "intern" },
    "role intern of the session is not one of lead, sre",
  ],
  [
    { rule: "session_role", kind: "session_role", limit: ["lead", "sre"], actual: null },
    "no role is known behind the session, and it takes lead or sre",
  ],
  [
    { rule: "session_not_clean", kind: "session_integrity", limit: "clean", actual: "suspect" },
    "the session is suspect, and not clean",
  ],
  [
    { rule: "session_not_clean", kind: "session_integrity", limit: "clean", actual: null },
    "the integrity of the session is not known",
  ],
  [{ rule: "session_anomalies", kind: "session_anomalies", actual: 1 }, "there was 1 anomaly in the session"],
  [{ rule: "session_anomalies", kind: "session_anomalies", actual: 3 }, "there were 3 anomalies in the session"],
  [
    { rule: "session_anomalies", kind: "session_anomalies", actual: 0 },
    "an attestation of the session tells of anomalies",
  ],
  [
    { rule: "session_touched_pii", kind: "session_clearance", limit: ["tier-1"], actual: "tier-2" },
    "the session has had access to pii, which takes clearance tier-1, and nobody behind it has it (clearance: tier-2)",
  ],
  [
    { rule: "session_touched_phi", kind: "session_clearance", limit: ["tier-0", "tier-1"], actual: null },
    "the session has had access to phi, which takes clearance tier-0 or tier-1, and nobody behind it has it (clearance: none)",
  ],
  [
    { rule: "session_touched_pii", kind: "session_clearance", limit: ["tier-1"], actual: null, unseen: true },
    "nothing is known of the session, and the policy asks what it did and who is behind it",
  ],
  [{ rule: "constructor" }, "rule constructor is broken"],
])("%j: %s", (finding, wanted) => {
  expect(message(finding)).toBe(wanted);
});

test("long values are cut, and it says so", () => {
  const text = message({ rule: "deny_actions", actual: "a".repeat(5000) });
  expect(text.length).toBeLessThan(300);
  expect(text).toContain("(5000 characters)");
});

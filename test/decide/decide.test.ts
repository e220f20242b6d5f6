import { type DecideParts, decide, refused, unenforced } from "../../src/decide/index.js";
import type { View } from "../../src/outcome.js";
import { Refusal } from "../../src/refusal.js";
import type { Verdict } from "../../src/verdict.js";

const change = { own: true, headers: { set: {}, remove: ["x-a"] }, query: { set: {}, remove: [] } };
const views = {
  allow: { verdict: "allow", reason: "allowed", violations: [], sanitize: [], redeems: false },
  sanitize: { verdict: "sanitize", reason: "sanitized", violations: [], sanitize: [change], redeems: false },
  approval_needed: {
    verdict: "approval_needed",
    reason: "approval_needed",
    violations: [{ rule: "approval_needed", message: "asks" }],
    sanitize: [],
    redeems: false,
  },
  deny: {
    verdict: "deny",
    reason: "max_n",
    violations: [{ rule: "max_n", message: "too many" }],
    sanitize: [],
    redeems: false,
  },
} as const satisfies Record<Verdict, View & { redeems: boolean }>;

const opened = { id: "apr_1", expiresAtMs: 9 };
const ok = { outcome: "ok" } as const;

/** What is said and in which mode, as `computed/enforced mode`. */
function decided(computed: Verdict, enforced: Verdict, more: Partial<DecideParts> = {}): string {
  const outcome = decide({
    evaluation: { value: { computed: views[computed], enforced: views[enforced] } },
    settlement: { value: { enforced: ok, shadow: ok, ...(enforced === "approval_needed" && { opened }) } },
    limits: {},
    mode: "enforce",
    failureMode: "enforce",
    dryRun: false,
    tool: "deploy-api",
    ...more,
  });
  return `${outcome.computed.verdict}/${outcome.enforced.verdict} ${outcome.mode}`;
}

test.each([
  ["allow", "allow", "allow/allow enforce"],
  ["sanitize", "sanitize", "sanitize/sanitize enforce"],
  ["approval_needed", "approval_needed", "approval_needed/approval_needed enforce"],
  ["deny", "deny", "deny/deny enforce"],
  ["deny", "allow", "deny/allow shadow"],
  ["approval_needed", "allow", "approval_needed/allow shadow"],
  ["sanitize", "allow", "sanitize/allow shadow"],
  ["deny", "sanitize", "deny/sanitize shadow"],
  ["deny", "approval_needed", "deny/approval_needed shadow"],
  ["approval_needed", "deny", "approval_needed/deny shadow"],
] as const)("found %s, enforced %s: %s", (computed, enforced, wanted) => {
  expect(decided(computed, enforced)).toBe(wanted);
});

describe("a call that passes by the approval it brought", () => {
  const passing = { computed: views.allow, enforced: { ...views.allow, redeems: true } };
  const outcomeAfter = (settlement: object) =>
    decided("allow", "allow", {
      evaluation: { value: passing },
      settlement: { value: { enforced: ok, shadow: ok, ...settlement } },
    });

  test("passes when that was used up", () => {
    expect(outcomeAfter({ redeemed: { id: "apr_1" } })).toBe("allow/allow enforce");
  });

  test("and not when nothing was", () => {
    expect(() => outcomeAfter({})).toThrow("none was redeemed");
    expect(() => outcomeAfter({ opened })).toThrow("none was redeemed");
  });

  test("a limit refuses it without that", () => {
    expect(outcomeAfter({ enforced: { outcome: "rate_exceeded", limit: "rate", retryAfterMs: 1 } })).toBe(
      "deny/deny enforce",
    );
  });
});

test("where both agree, the mode is the agent's and the reasons are the enforced ones", () => {
  const hidden = { ...views.deny, reason: "max_m", violations: [{ rule: "max_m", message: "in shadow" }] } as const;
  const outcome = decide({
    evaluation: { value: { computed: hidden, enforced: views.deny } },
    settlement: { value: { enforced: ok, shadow: ok } },
    limits: {},
    mode: "shadow",
    failureMode: "enforce",
    dryRun: false,
    tool: "deploy-api",
  });
  expect(outcome).toEqual({
    computed: outcome.enforced,
    enforced: expect.objectContaining({ reason: "max_n", detail: "too many" }),
    mode: "shadow",
  });
});

describe("limits", () => {
  const rate = { interval_us: 500_000, burst: 4 };
  const late = { outcome: "rate_exceeded", limit: "rate", retryAfterMs: 250 } as const;
  const spent = { outcome: "budget_exceeded", limit: "daily_budget", retryAfterMs: 3_600_000, spentMicro: 7 } as const;
  const settled = (enforced: typeof ok | typeof late | typeof spent, shadow: typeof ok | typeof late = ok) => ({
    settlement: { value: { enforced, shadow, opened } },
  });

  test("an enforced one denies what policy would let through or ask about", () => {
    for (const verdict of ["allow", "sanitize", "approval_needed"] as const) {
      expect(decided(verdict, verdict, settled(late))).toBe("deny/deny enforce");
    }
  });

  test("a denial by policy stays what it is", () => {
    const outcome = decide({
      evaluation: { value: { computed: views.deny, enforced: views.deny } },
      ...settled(late),
      limits: { enforced: { rate } },
      mode: "enforce",
      failureMode: "enforce",
      dryRun: false,
      tool: "deploy-api",
    });
    expect(outcome.enforced).toMatchObject({ reason: "max_n" });
    expect(outcome.enforced).not.toHaveProperty("limit");
  });

  test("one in shadow is found and not enforced", () => {
    expect(decided("allow", "allow", settled(ok, late))).toBe("deny/allow shadow");
  });

  test.each([
    [late, { policy: "rate", quota: 4, windowSeconds: 2, retryAfterMs: 250 }, "rate_exceeded"],
    [spent, { policy: "daily-budget", quota: 10, windowSeconds: 86_400, retryAfterMs: 3_600_000 }, "budget_exceeded"],
  ])("%o says what is permitted and when", (limit, wanted, reason) => {
    const outcome = decide({
      evaluation: { value: { computed: views.allow, enforced: views.allow } },
      ...settled(limit),
      limits: { enforced: { rate, daily_budget_micro: 10_500_000 } },
      mode: "enforce",
      failureMode: "enforce",
      dryRun: false,
      tool: "deploy-api",
    });
    expect(outcome.enforced).toMatchObject({ reason, limit: wanted, violations: [{ rule: reason }], sanitize: [] });
    // What a budget was spent on is nobody's business.
    expect(outcome.enforced).not.toHaveProperty("limit.spentMicro");
  });
});

describe("approvals", () => {
  test("one that was opened is named in what is found and what is done", () => {
    const outcome = decide({
      evaluation: { value: { computed: views.approval_needed, enforced: views.approval_needed } },
      settlement: { value: { enforced: ok, shadow: ok, opened } },
      limits: {},
      mode: "enforce",
      failureMode: "enforce",
      dryRun: false,
      tool: "deploy-api",
    });
    expect([outcome.computed.approval, outcome.enforced.approval]).toEqual([opened, opened]);
  });

  test("one that is needed and was not opened is a failure", () => {
    const settlement = { value: { enforced: ok, shadow: ok } };
    expect(() => decided("approval_needed", "approval_needed", { settlement })).toThrow("none was opened");
  });
});

describe("failures", () => {
  const failed = { failure: new Refusal("store_unavailable", "no store") };
  const odd = { failure: undefined };

  test.each([
    ["enforce", false, "deny/deny enforce"],
    ["shadow", false, "deny/allow shadow"],
    ["enforce", true, "deny/allow shadow"],
    ["shadow", true, "deny/allow shadow"],
  ] as const)("with failure mode %s and dry run %s: %s", (failureMode, dryRun, wanted) => {
    expect(decided("allow", "allow", { settlement: failed, failureMode, dryRun })).toBe(wanted);
    expect(decided("allow", "allow", { evaluation: failed, failureMode, dryRun })).toBe(wanted);
    expect(decided("allow", "allow", { evaluation: odd, settlement: odd, failureMode, dryRun })).toBe(wanted);
  });

  test("the mode of policies does not matter to them", () => {
    expect(decided("allow", "allow", { settlement: failed, mode: "shadow" })).toBe("deny/deny enforce");
  });

  test("an attempt without value or failure is a failure itself", () => {
    expect(() => decided("allow", "allow", { evaluation: {} as never })).toThrow("without value or failure");
  });

  test.each([
    [
      new Refusal("token_expired", "expired", { violations: [{ rule: "r", message: "m" }] }),
      "token_expired",
      "expired",
    ],
    [new Error("internal"), "internal_error", "the authorizer failed"],
    [{ name: "Refusal", reason: "allowed" }, "internal_error", "the authorizer failed"],
    ["allowed", "internal_error", "the authorizer failed"],
    [undefined, "internal_error", "the authorizer failed"],
  ])("what was thrown is told by its reason only: %p", (thrown, reason, detail) => {
    const { computed, enforced, mode } = refused(thrown);
    expect(enforced).toMatchObject({ verdict: "deny", reason, detail, sanitize: [] });
    expect(computed).toEqual(enforced);
    expect(mode).toBe("enforce");
  });
});

test("a dry run finds and does nothing", () => {
  for (const verdict of ["allow", "sanitize", "approval_needed", "deny"] as const) {
    const settlement = { value: { enforced: ok, shadow: ok } };
    expect(decided(verdict, verdict, { dryRun: true, settlement })).toBe(`${verdict}/allow shadow`);
  }
  const { computed, enforced, mode } = unenforced(refused(new Refusal("credential_missing", "none")));
  expect([computed.reason, enforced.verdict, enforced.sanitize, mode]).toEqual([
    "credential_missing",
    "allow",
    [],
    "shadow",
  ]);
});

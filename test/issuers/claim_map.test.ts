import { createHash } from "node:crypto";
import type { AgentIssuer, PeopleIssuer } from "../../src/config/trusted.js";
import { grantOf, personOf } from "../../src/issuers/claim_map.js";
import { Refusal } from "../../src/refusal.js";
import { agentEntry, ci, entries, job } from "./fixture.js";

const subject = { iss: ci, sub: "s", jti: "j", aud: "a", exp: 1 };
const claims = JSON.parse(JSON.stringify({ ...job, nested: { job: { id: "7" } }, images: ["a", "b"], empty: "" }));

const entryOf = (more: object) => entries(agentEntry("keys.json", more))[0] as AgentIssuer;
const grant = (more: object, of = claims) => grantOf(entryOf(more), of, subject);

function refusalOf(act: () => unknown): Refusal {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error("was accepted");
}

test("an entry that maps nothing grants the agent and nothing of a session", () => {
  expect(grant({})).toEqual({ agent: "deploy-manager", session: {}, facts: {}, subject });
});

test("each part comes from the claim that the entry names", () => {
  const got = grant({
    scopes: ["deploy-api:deploy"],
    claims: {
      session_id: "run_id",
      workflow_run_id: ["nested", "job", "id"],
      initiated_by: "actor",
      role: "repository",
      clearance: "sub",
      agent_model: "jti",
      facts: { run: "run_id", everything: "nested", pictures: "images" },
    },
    task: { service: "shop", environment: ["staging", "test"], image: { claim: "images" } },
  });
  const hash = createHash("sha256").update(`["${ci}","deploy-manager","98765"]`).digest();
  expect(got).toEqual({
    agent: "deploy-manager",
    scopes: ["deploy-api:deploy"],
    session: {
      id: `ses_${hash.subarray(0, 16).toString("base64url")}`,
      workflow_run_id: "7",
      initiated_by: "alice@example.com",
      role: "acme/shop",
      clearance: "repo:acme/shop:ref:refs/heads/main",
      task: { service: ["shop"], environment: ["staging", "test"], image: ["a", "b"] },
    },
    agent_model: "ci-token-1",
    facts: { run: 98765, everything: { job: { id: "7" } }, pictures: ["a", "b"] },
    subject,
  });
});

test("equal numbers of two issuers, or of two agents, are two sessions; the same one is the same", () => {
  const id = (more: object, of = claims) => grant({ claims: { session_id: "run_id" }, ...more }, of).session.id;
  const all = [
    id({}),
    id({ agent: "other" }),
    id({ issuer: "https://other.example" }),
    id({}, { ...claims, run_id: 1 }),
  ];
  expect(new Set(all).size).toBe(4);
  expect(id({}, { ...claims, run_id: "98765" })).toBe(all[0]);
  for (const one of all) expect(one).toMatch(/^ses_[\w-]{22}$/);
});

const missing = [undefined, null, "", [], {}, true, ["a"], { a: "b" }, "a\nb", "a\u200bb", "x".repeat(257)];
const odd = [...missing, 1.5, 2 ** 53];

test.each(["session_id", "workflow_run_id", "initiated_by", "role", "clearance", "agent_model"])(
  "a claim for %s that is missing or no text refuses the token",
  (part) => {
    for (const value of part.includes("_") && part !== "agent_model" ? odd : [...odd, 7]) {
      const of = { ...claims, it: value };
      if (value === undefined) delete of.it;
      const refusal = refusalOf(() => grant({ claims: { [part]: "it" } }, of));
      expect([value, refusal.reason]).toEqual([value, "token_condition"]);
      expect(refusal.detail).toMatch(/^the token's claim "it" is (missing|not a text that can be shown)$/);
    }
  },
);

test.each([
  [["nested", "missing"], /"nested\.missing" is missing/],
  [["nested", "job", "id", "length"], /is missing/],
  [["images", "0"], /is missing/],
  ["__proto__", /is missing/],
  ["constructor", /is missing/],
  [["nested", "toString"], /is missing/],
])("a path %p that leads nowhere refuses the token", (path, detail) => {
  expect(refusalOf(() => grant({ claims: { facts: { it: path } } })).detail).toMatch(detail);
});

test.each([undefined, null, "", [], [""], ["a", 1], [["a"]], { a: "b" }, 7, Array(65).fill("a"), ["a\nb"]])(
  "a task by the claim %p refuses the token",
  (value) => {
    const of = JSON.parse(JSON.stringify({ ...claims, it: value }));
    const refusal = refusalOf(() => grant({ task: { service: { claim: "it" } } }, of));
    expect(refusal.reason).toBe("token_condition");
  },
);

test("facts may be anything that is there", () => {
  for (const value of [null, false, 0, "", [], {}]) {
    expect(grant({ claims: { facts: { it: "it" } } }, { ...claims, it: value }).facts).toEqual({ it: value });
  }
});

describe("a person", () => {
  const named = (more: object, of: object) =>
    personOf(
      entries({ ...agentEntry("keys.json"), for: "people", agent: undefined, ...more })[0] as PeopleIssuer,
      of as typeof claims,
      subject,
    );

  const email = "alice@example.com";

  test("is who the email claim names, when the issuer says that it verified it", () => {
    expect(named({}, { email, email_verified: true })).toEqual({ name: email, subject });
    const refusal = refusalOf(() => named({}, { email }));
    expect([refusal.reason, refusal.detail]).toEqual([
      "token_condition",
      `the token's claim "email" comes without email_verified, and the entry has no \`unverified_email: true\``,
    ]);
    expect(named({ unverified_email: true }, { email }).name).toBe(email);
    for (const email_verified of [false, null, "true", 1]) {
      refusalOf(() => named({ unverified_email: true }, { email, email_verified }));
      const refusal = refusalOf(() => named({}, { email, email_verified }));
      expect([refusal.reason, refusal.detail]).toEqual([
        "token_condition",
        `the token's claim "email" is not verified`,
      ]);
    }
  });

  test("may be named by an alias where the entry says so", () => {
    expect(named({ aliases: true }, { email, email_verified: true })).toEqual({ name: email, aliases: true, subject });
  });

  test("may be named by another claim, which has to be there", () => {
    expect(named({ person: ["user", "login"] }, { user: { login: "alice" }, email_verified: false }).name).toBe(
      "alice",
    );
    expect(refusalOf(() => named({ person: "login" }, { email: "alice@example.com" })).reason).toBe("token_condition");
    expect(refusalOf(() => named({}, { email: 7 })).reason).toBe("token_condition");
  });
});

test("an initiator by an address that is not verified refuses the token too", () => {
  const entry = { claims: { initiated_by: ["user", "email"] } };
  const of = (user: object) => ({ ...claims, user: { email: "alice@example.com", ...user } });
  expect(refusalOf(() => grant(entry, of({ email_verified: false }))).detail).toMatch(/is not verified/);
  // The parent's word counts, and nobody else's.
  expect(refusalOf(() => grant(entry, { ...of({}), email_verified: true })).detail).toMatch(/without email_verified/);
  expect(grant(entry, of({ email_verified: true })).session.initiated_by).toBe("alice@example.com");
  expect(grant({ ...entry, unverified_email: true }, of({})).session.initiated_by).toBe("alice@example.com");
});

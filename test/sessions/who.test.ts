import type { Identity } from "../../src/call.js";
import { loadRegistry } from "../../src/registry/load.js";
import { sessionOf } from "../../src/sessions/who.js";

const registry = loadRegistry({
  people: {
    file: "people.yaml",
    text: "people: [{id: alice@example.com, aliases: [alice], role: platform-lead, clearance: tier-1}]",
  },
});
const inSession = (session: Identity["session"]) =>
  sessionOf(
    {
      agent: { id: "bot", scopes: ["deploy-api:*"], roles: [] },
      credential: "bearer_jwt",
      credentialHeader: "authorization",
      session,
      facts: {},
    },
    registry,
  );

test("a token that binds none comes in the agent's open session", () => {
  expect(inSession({})).toEqual({ id: "open:bot", bound: false });
});

test("is the one the token binds", () => {
  const bound = { id: "s-1", bound: true, workflow_run_id: "run-7" };
  expect(inSession({ id: "s-1", workflow_run_id: "run-7", task: { service: ["shop"] } })).toEqual(bound);
});

test("has the id, role and clearance of who started it, under any alias", () => {
  const lead = { role: "platform-lead", clearance: "tier-1" };
  const bound = { id: "s-1", bound: true, initiated_by: "alice@example.com" };
  expect(inSession({ id: "s-1", initiated_by: "Alice" })).toEqual({ ...bound, ...lead });
});

test("has nobody's role by a name that only looks like one", () => {
  for (const initiated_by of ["ａｌｉｃｅ", "Ⓐlice", " alice ", "alice\u00a0"]) {
    expect(inSession({ id: "s-1", initiated_by })).toEqual({ id: "s-1", bound: true, initiated_by });
  }
});

test("the token's own words come first, and people nobody knows bring nothing", () => {
  const told = { id: "s-1", initiated_by: "alice", role: "guest", clearance: "none" };
  expect(inSession(told)).toMatchObject({ role: "guest", clearance: "none" });
  const unknown = { id: "s-1", bound: true, initiated_by: "mallory" };
  expect(inSession({ id: "s-1", initiated_by: "mallory" })).toEqual(unknown);
});

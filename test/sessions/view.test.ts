import { type Known, viewOf } from "../../src/sessions/view.js";
import { outside, state } from "./fixture.js";

const session = { id: "s-1", bound: true, initiated_by: "alice", role: "lead" };
const view = (more: Partial<Known> = {}) =>
  viewOf({ agent: "bot", session, state, indicators: [], newTool: false, outside: null, ...more });

test("what the session did, and who is behind it", () => {
  expect(view()).toEqual({
    session: {
      data_classification: ["pii"],
      integrity: "clean",
      anomalies: 0,
      tools: ["crm"],
      calls: 3,
      passed: 2,
      refused: 1,
    },
    attestation: {
      agent_id: "bot",
      session_id: "s-1",
      initiated_by: "alice",
      role: "lead",
      data_classification: ["pii"],
      anomalies_detected: false,
      session_integrity: "clean",
    },
  });
});

test("a session of which nothing is remembered is clean", () => {
  expect(view({ state: null }).attestation).toMatchObject({
    data_classification: [],
    anomalies_detected: false,
    session_integrity: "clean",
  });
});

test("what this very call shows counts already", () => {
  const { session: seen, attestation } = view({ indicators: ["prompt_injection"] });
  expect([seen.anomalies, seen.integrity]).toEqual([1, "suspect"]);
  expect(attestation).toMatchObject({ anomalies_detected: true, session_integrity: "suspect" });
  expect(view({ newTool: true }).attestation).toMatchObject({ anomalies_detected: true, session_integrity: "clean" });
  const before = { ...state, indicators: { unknown_tool: 1 } };
  expect(view({ state: before, indicators: ["prompt_injection"] }).attestation.session_integrity).toBe("compromised");
});

test("of two views the worse counts, in each field", () => {
  expect(view({ outside }).attestation.data_classification).toEqual(["phi", "pii"]);
  const bad = view({ outside: { ...outside, anomalies: true, integrity: "compromised" } }).attestation;
  expect(bad).toMatchObject({ anomalies_detected: true, session_integrity: "compromised" });
  const earlier = { ...state, outside: { seenMs: 1, integrity: "suspect", anomalies: true } as const };
  const later = view({ state: earlier, outside }).attestation;
  expect(later).toMatchObject({ anomalies_detected: true, session_integrity: "suspect" });
  const own = { ...state, indicators: { scope_exceeded: 5 }, anomalies: 5 };
  const still = view({ state: own, outside }).attestation;
  expect(still).toMatchObject({ anomalies_detected: true, session_integrity: "compromised" });
});

test("who is behind it: what only one says holds, what they disagree on does not", () => {
  const said = { ...outside, role: "lead", clearance: "tier-1", workflow_run_id: "run-7" };
  expect(view({ outside: said }).attestation).toMatchObject({
    initiated_by: "alice",
    role: "lead",
    clearance: "tier-1",
    workflow_run_id: "run-7",
  });
  const disagreeing = view({ outside: { ...said, role: "intern", initiated_by: "mallory" } }).attestation;
  expect(disagreeing).not.toHaveProperty("role");
  expect(disagreeing).not.toHaveProperty("initiated_by");
});

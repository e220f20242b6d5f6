import type { OutsideAttestation, SessionState } from "../../src/session.js";

/** One of which some is known, and nothing against it. */
export const state: SessionState = {
  known: {},
  startedMs: 1,
  lastMs: 2,
  calls: 3,
  passed: 2,
  refused: 1,
  classification: ["pii"],
  tools: ["crm"],
  indicators: {},
  anomalies: 0,
  recent: [],
  outside: null,
};

/** A clean one that says what data was touched. */
export const outside: OutsideAttestation = {
  signedAtMs: 5,
  classification: ["phi"],
  anomalies: false,
  integrity: "clean",
  facts: {},
};

import type { Json } from "../call.js";
import { unchanging } from "../canonical_bytes.js";

const view = Object.freeze({
  verdict: "allow",
  reason: "allowed",
  violations: Object.freeze([]) as unknown as Json[],
  sanitize: Object.freeze([]) as unknown as Json[],
  redact: Object.freeze([]) as unknown as Json[],
  terms: Object.freeze([]) as unknown as Json[],
  asked: Object.freeze([]) as unknown as Json[],
  redeems: false,
});

/** The decision that the program calls `allowed`: every rule holds, and nothing is to be done. One for all calls. */
export const allowed = unchanging(
  Object.freeze({
    decision: view,
    enforced: view,
    tags: Object.freeze([]) as unknown as Json[],
    costs: Object.freeze([]) as unknown as Json[],
  }),
) satisfies Json;

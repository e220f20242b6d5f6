import { canonicalJson, sha256Hex } from "../canonical.js";
import type { Violation } from "../verdict.js";
import type { ApprovalDraft } from "./store.js";

/** Names one question to people: approvals of the same agent and question are the same one while it is pending. */
export function questionOf(draft: ApprovalDraft): string {
  const { fingerprint, violations, quorum, approvers, expiresInMs, escalation = null, costMicro } = draft;
  const why = [...identitiesOf(violations)].sort();
  return sha256Hex(JSON.stringify([fingerprint, why, quorum, approvers, expiresInMs, escalation, costMicro]));
}

/**
 * True when people who let `decided` pass have decided upon all of `asked`. The fingerprint does not say so: reasons also
 * come from headers, from the hour, and from policies that changed. False where nothing is asked, since an approval is
 * always for something. Throws on what has no JSON form.
 */
export function covers(decided: readonly Violation[], asked: readonly Violation[]): boolean {
  const known = identitiesOf(decided);
  return asked.length > 0 && [...identitiesOf(asked)].every((identity) => known.has(identity));
}

/** What makes each the same reason when it comes again: its RFC 8785 form without the sentence. */
function identitiesOf(violations: readonly Violation[]): Set<string> {
  return new Set(violations.map(({ message: _, ...facts }) => canonicalJson(lasting(facts))));
}

/** Reasons whose particulars go on changing while people decide: the time of day, and how many anomalies there were. */
const moving: readonly string[] = ["windows", "session_anomalies"];

function lasting(facts: Omit<Violation, "message">): object {
  if (!moving.includes(facts.rule)) return facts;
  const { actual: _, ...rest } = facts;
  return rest;
}

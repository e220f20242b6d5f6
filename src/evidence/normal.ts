import type { Json } from "../call.js";
import type { Integrity } from "../session.js";
import { type Answer, counted, listed, placesOf, type Status } from "./answer.js";
import { type Deed, distinct, type Story } from "./story.js";

/** Did the agent behave normally? What was seen of its session in these calls, and in others before them. */
export function normal(story: Story): Answer {
  const { deeds, troubles } = story;
  const integrity = distinct(deeds.map(({ record }) => record.session_attestation?.session_integrity));
  const found = deeds.flatMap(({ record }) => record.anomalies?.found ?? []);
  const before = deeds.flatMap(({ record }) => record.anomalies?.before ?? []);
  const reasons = distinct([
    ...[...found, ...before].map(({ reason }) => reason),
    ...troubles.flatMap(({ record }) => troubleOf(record)),
  ]);
  const known = deeds.length > 0 && deeds.every(({ record }) => isKnown(record));
  const flagged = deeds.some(({ record }) => record.session_attestation?.anomalies_detected === true);
  const status = statusOf({ known, flagged, reasons, integrity });
  return {
    question: "normal",
    status,
    answer: sentence(status, reasons, integrity),
    facts: {
      session_integrity: integrity,
      sessions: distinct(deeds.map(({ record }) => record.session_id)),
      anomalies_found: found as unknown as Json,
      anomalies_before: [...new Map(before.map((one) => [JSON.stringify(one), one])).values()] as unknown as Json,
      troubled_calls: troubles.length,
      attestation: (deeds.at(-1)?.record.session_attestation ?? null) as unknown as Json,
    },
    records: placesOf(deeds, troubles),
  };
}

function isKnown({ session_attestation: session, anomalies }: Deed): boolean {
  return session?.session_integrity !== undefined && session.anomalies_detected !== undefined && anomalies !== null;
}

function statusOf(seen: { known: boolean; flagged: boolean; reasons: string[]; integrity: Integrity[] }): Status {
  if (seen.flagged || seen.reasons.length > 0 || seen.integrity.some((one) => one !== "clean")) return "no";
  return seen.known ? "yes" : "unknown";
}

function sentence(status: Status, reasons: readonly string[], integrity: readonly Integrity[]): string {
  if (status === "unknown") return "The records do not say how the session went.";
  const state = `the session was ${listed(integrity, "of unknown integrity")}`;
  if (status === "yes") return `Yes: ${state}, without an anomaly.`;
  return `No: ${state}, with ${reasons.length === 0 ? "anomalies" : `${counted(reasons.length, "kind")} of anomalies (${listed(reasons, "")})`}.`;
}

/** Why a call of the session counts as trouble: what was found in it, or why it was refused. */
export function troubleOf({ anomalies, decision, reason }: Pick<Deed, "anomalies" | "decision" | "reason">): string[] {
  const found = (anomalies?.found ?? []).map((one) => one.reason);
  return found.length > 0 || decision !== "deny" ? found : [reason];
}

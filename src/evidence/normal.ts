import type { Json } from "../call.js";
import { type Integrity, indicators } from "../session.js";
import { type Answer, counted, listed, placesOf, type Status, were } from "./answer.js";
import { callsIn } from "./call_text.js";
import { type Cited, type Deed, distinct, type Story } from "./story.js";

/**
 * Did the agent behave normally? What was seen of its session in these calls, and in others before them. It is measured as
 * sessions measure their integrity: refusals and tools that are new to the agent leave a session clean, indicators do not.
 */
export function normal(story: Story): Answer {
  const { deeds, troubles } = story;
  const integrity = distinct(deeds.map(({ record }) => record.session_attestation?.session_integrity));
  const found = deeds.flatMap(({ record }) => record.anomalies?.found ?? []);
  const before = deeds.flatMap(({ record }) => record.anomalies?.before ?? []);
  const noted = distinct([
    ...[...deeds, ...troubles].flatMap(({ record }) => troubleOf(record)),
    ...before.map(({ reason }) => reason),
  ]);
  const seen: Seen = {
    integrity,
    sessions: distinct(deeds.map(({ record }) => record.session_id)),
    signs: noted.filter(isIndicator),
    notes: noted.filter((reason) => !isIndicator(reason)),
    refused: callsIn([...deeds, ...troubles].filter(({ record }) => isRefused(record))),
    attested: deeds.some(isFlaggedByOthers),
    known: deeds.length > 0 && deeds.every(({ record }) => isKnown(record)),
  };
  const status = statusOf(seen);
  return {
    question: "normal",
    status,
    answer: sentence(status, seen),
    facts: {
      session_integrity: integrity,
      sessions: seen.sessions,
      indicators: seen.signs,
      refused_calls: seen.refused,
      anomalies_found: found as unknown as Json,
      anomalies_before: [...new Map(before.map((one) => [JSON.stringify(one), one])).values()] as unknown as Json,
      troubled_calls: troubles.length,
      attestation: (deeds.at(-1)?.record.session_attestation ?? null) as unknown as Json,
    },
    records: placesOf(deeds, troubles),
  };
}

interface Seen {
  integrity: Integrity[];
  sessions: string[];
  /** Signs that an agent is not doing what it was started for. */
  signs: string[];
  /** Reasons of refusals, and new tools. */
  notes: string[];
  refused: number;
  attested: boolean;
  known: boolean;
}

function statusOf({ signs, integrity, attested, known }: Seen): Status {
  if (signs.length > 0 || attested || integrity.some((one) => one !== "clean")) return "no";
  return known ? "yes" : "unknown";
}

function sentence(status: Status, { sessions, integrity, signs, notes, refused, attested }: Seen): string {
  const state = `the ${sessions.length > 1 ? "sessions were" : "session was"} ${listed(integrity, "of unknown integrity")}`;
  const [newTools, reasons] = [notes.includes("new_tool"), notes.filter((reason) => reason !== "new_tool")];
  const beside = [
    ...(reasons.length > 0 ? [`${refusalsText(refused)} (${listed(reasons, "")})`] : []),
    ...(newTools ? ["tools were used that are new to the agent"] : []),
  ];
  const noted = beside.join(", and ");
  const also = noted === "" ? "" : ` Beside that ${noted}.`;
  if (status === "unknown") return `The records do not say how the session went.${also}`;
  if (status === "yes")
    return `Yes: ${state}${noted === "" ? ", without an anomaly" : `; ${noted}, which alone is no anomaly`}.`;
  const why = [...signs, ...(attested ? ["anomalies that others attest"] : [])];
  return `No: ${state}${why.length === 0 ? "" : `, with ${listed(why, "")}`}.${also}`;
}

function refusalsText(refused: number): string {
  return refused === 0 ? "calls of it had been refused before" : `${counted(refused, "call")} ${were(refused)} refused`;
}

function isKnown({ session_attestation: session, anomalies }: Deed): boolean {
  return session?.session_integrity !== undefined && session.anomalies_detected !== undefined && anomalies !== null;
}

/** Anomalies of which we saw none ourselves. */
function isFlaggedByOthers({ record: { session_attestation: session, anomalies } }: Cited<Deed>): boolean {
  const own = (anomalies?.found.length ?? 0) + (anomalies?.before.length ?? 0);
  return session?.anomalies_detected === true && own === 0;
}

function isIndicator(reason: string): boolean {
  return (indicators as readonly string[]).includes(reason);
}

function isRefused(deed: Pick<Deed, "enforced">): boolean {
  return deed.enforced === "deny";
}

/** What a call has that a session remembers as an anomaly: what was found in it, and why it was refused. */
export function troubleOf(deed: Pick<Deed, "anomalies" | "enforced" | "reason">): string[] {
  const found = (deed.anomalies?.found ?? []).map(({ reason }) => reason);
  return distinct([...found, ...(isRefused(deed) || isIndicator(deed.reason) ? [deed.reason] : [])]);
}

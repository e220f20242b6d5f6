import { type Indicator, indicators, integrities, type SessionFacts, type SessionState } from "../../session.js";
import { maxRecent, type Observation } from "../store.js";
import { listIn, numberIn, textIn, UnreadableReply, wordIn } from "./forms.js";

const colon = 0x3a;

/**
 * A session from the fields and values of its hash; `null` when there are none. Throws on anything that this program does
 * not write: a session that cannot be read is not a clean one.
 */
export function decodeSession(fields: readonly string[]): SessionState | null {
  if (fields.length === 0) return null;
  const said = new Map<string, string>();
  const classification: string[] = [];
  const tools: string[] = [];
  const counts: Partial<Record<Indicator, number>> = {};
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] as string;
    if (name.charCodeAt(1) !== colon) said.set(name, fields[at + 1] as string);
    else if (name.startsWith("c:")) classification.push(name.slice(2));
    else if (name.startsWith("t:")) tools.push(name.slice(2));
    else if (name.startsWith("i:")) counts[wordIn(indicators, name.slice(2))] = numberIn(fields[at + 1]);
  }
  return {
    known: knownIn(said.get("known")),
    startedMs: numberIn(said.get("started_ms")),
    lastMs: numberIn(said.get("last_ms")),
    calls: countIn(said.get("calls")),
    passed: countIn(said.get("passed")),
    refused: countIn(said.get("refused")),
    classification: classification.length > 1 ? classification.sort() : classification,
    tools: tools.length > 1 ? tools.sort() : tools,
    indicators: counts,
    anomalies: countIn(said.get("anomalies")),
    recent: recentIn(said.get("recent")),
    outside: outsideIn(said.get("outside_ms"), said.get("outside_integrity"), said.get("outside_anomalies")),
  };
}

const countIn = (written: string | undefined): number => (written === undefined ? 0 : numberIn(written));

const facts: readonly (keyof SessionFacts)[] = ["workflow_run_id", "initiated_by", "role", "clearance"];

function knownIn(written: string | undefined): SessionFacts {
  // Of most sessions, and of one that only another's call has made.
  if (written === undefined || written === "{}") return {};
  const said: unknown = JSON.parse(written);
  if (typeof said !== "object" || said === null || Array.isArray(said)) {
    throw new UnreadableReply("the facts of a session are no object");
  }
  const known: { [K in keyof SessionFacts]: string } = {};
  for (const [name, value] of Object.entries(said)) known[wordIn(facts, name)] = textIn(value);
  return known;
}

function recentIn(written: string | undefined): SessionState["recent"] {
  if (written === undefined) return [];
  const told = listIn(JSON.parse(written));
  if (told.length > maxRecent) throw new UnreadableReply("a session keeps more anomalies than it can");
  return told.map((one) => {
    const [atMs, reason, detail] = listIn(one, 3);
    return { atMs: numberIn(atMs), reason: textIn(reason), detail: textIn(detail) };
  });
}

/** All of it or nothing: a part is not what this program writes. */
function outsideIn(
  seenMs: string | undefined,
  place: string | undefined,
  anomalies: string | undefined,
): SessionState["outside"] {
  if (seenMs === undefined && place === undefined && anomalies === undefined) return null;
  const integrity = integrities[numberIn(place)];
  if (integrity === undefined) throw new UnreadableReply("an attested integrity has no name");
  return { seenMs: numberIn(seenMs), integrity, anomalies: numberIn(anomalies) > 0 };
}

/**
 * So long, in milliseconds, one call of a session stands for the next ones in what is prolonged and looked at besides their
 * counts: a small part of its time to live, and nothing of a short one.
 */
export function stepOf(ttlMs: number): number {
  return Math.floor(ttlMs / 4096);
}

/** What is asked of the server, so that a session is never forgotten earlier for it. */
export function keptMs(ttlMs: number): number {
  return ttlMs + stepOf(ttlMs);
}

/** An observation as `settle-11.lua` reads it. Members that are absent there are absent in its JSON. */
export function observationForm(seen: Observation): object {
  const { outside } = seen;
  return {
    known: JSON.stringify(seen.known),
    ttl: keptMs(seen.ttlMs),
    outcome: seen.outcome,
    refusal: seen.refusal ?? undefined,
    detail: seen.detail,
    tool: seen.tool ?? undefined,
    classification: seen.classification,
    tags: seen.tags,
    indicators: seen.indicators,
    outside: outside
      ? {
          at: outside.signedAtMs,
          classification: outside.classification,
          integrity: integrities.indexOf(outside.integrity),
          anomalies: Number(outside.anomalies),
        }
      : undefined,
    burst: { refusals: seen.burst.refusals, within: seen.burst.withinMs },
    learning: seen.learningMs,
  };
}

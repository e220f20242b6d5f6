import { z } from "zod";
import { type Indicator, indicators, integrities, type SessionState } from "../../session.js";
import { maxRecent, type Observation } from "../store.js";
import { number } from "./forms.js";

const head = z.object({
  started_ms: number,
  last_ms: number,
  calls: number.default(0),
  passed: number.default(0),
  refused: number.default(0),
  anomalies: number.default(0),
  known: z.string().default("{}"),
  recent: z.string().default("[]"),
  outside_ms: number.optional(),
  outside_integrity: number.pipe(z.int().max(integrities.length - 1)).optional(),
  outside_anomalies: number.optional(),
});
const text = z.string().optional();
const known = z.strictObject({ workflow_run_id: text, initiated_by: text, role: text, clearance: text });
const recent = z.array(z.tuple([number, z.string(), z.string()])).max(maxRecent);

/**
 * A session from the fields and values of its hash; `null` when there are none. Throws on anything that this program does
 * not write: a session that cannot be read is not a clean one.
 */
export function decodeSession(fields: readonly string[]): SessionState | null {
  if (fields.length === 0) return null;
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) map.set(fields[i] ?? "", fields[i + 1] ?? "");
  const said = head.parse(Object.fromEntries([...map].filter(([name]) => name in head.shape)));
  return {
    known: JSON.parse(JSON.stringify(known.parse(JSON.parse(said.known)))),
    startedMs: said.started_ms,
    lastMs: said.last_ms,
    calls: said.calls,
    passed: said.passed,
    refused: said.refused,
    classification: named(map, "c:"),
    tools: named(map, "t:"),
    indicators: indicatorsOf(map),
    anomalies: said.anomalies,
    recent: recent.parse(JSON.parse(said.recent)).map(([atMs, reason, detail]) => ({ atMs, reason, detail })),
    outside: outsideOf(said),
  };
}

/** All of it or nothing: a part is not what this program writes. */
function outsideOf(said: z.output<typeof head>): SessionState["outside"] {
  const { outside_ms: seenMs, outside_integrity: place, outside_anomalies: anomalies } = said;
  if (seenMs === undefined && place === undefined && anomalies === undefined) return null;
  const integrity = place === undefined ? undefined : integrities[place];
  if (seenMs === undefined || integrity === undefined || anomalies === undefined) {
    throw new Error("a part of what others attested is missing");
  }
  return { seenMs, integrity, anomalies: anomalies > 0 };
}

/** An observation as `settle-11.lua` reads it. Members that are absent there are absent here. */
export function encodeObservation(seen: Observation): string {
  const { outside } = seen;
  return JSON.stringify({
    known: JSON.stringify(seen.known),
    ttl: seen.ttlMs,
    outcome: seen.outcome,
    ...(seen.refusal !== null && { refusal: seen.refusal }),
    detail: seen.detail,
    ...(seen.tool !== null && { tool: seen.tool }),
    classification: seen.classification,
    tags: seen.tags,
    indicators: seen.indicators,
    ...(outside && {
      outside: {
        at: outside.signedAtMs,
        classification: outside.classification,
        integrity: integrities.indexOf(outside.integrity),
        anomalies: Number(outside.anomalies),
      },
    }),
    burst: { refusals: seen.burst.refusals, within: seen.burst.withinMs },
    learning: seen.learningMs,
  });
}

function named(map: ReadonlyMap<string, string>, prefix: string): string[] {
  const names = [...map.keys()].filter((name) => name.startsWith(prefix));
  return names.map((name) => name.slice(prefix.length)).sort();
}

function indicatorsOf(map: ReadonlyMap<string, string>): Partial<Record<Indicator, number>> {
  const counts = [...map].filter(([name]) => name.startsWith("i:"));
  return Object.fromEntries(
    counts.map(([name, value]) => [z.enum(indicators).parse(name.slice(2)), number.parse(value)]),
  );
}

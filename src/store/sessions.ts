import type { Anomaly, Indicator, Integrity, SessionState } from "../session.js";
import { integrities } from "../session.js";
import { maxRecent, type Observation } from "./store.js";

/** A session as a store keeps it. `refusals` are the times of the latest ones, in milliseconds, oldest first. */
export interface KeptSession extends SessionState {
  refusals: readonly number[];
}

/** What became of the observed call once limits and approvals had their say. */
export interface Effective {
  outcome: Observation["outcome"];
  /** Of a refusal; else `null`. */
  refusal: string | null;
  /** The agent is known for long enough and uses a tool that it never used. */
  newTool: boolean;
}

/**
 * The session after one call. `settle-9.lua` says the same. With `only: "worse"` nothing is counted, and only what is bad
 * about the call is remembered: so the open session knows of everything that the agent's other sessions did.
 */
export function remembered(
  before: KeptSession | null,
  seen: Observation,
  { outcome, refusal, newTool }: Effective,
  nowMs: number,
): { state: KeptSession; worse: (other: KeptSession | null) => KeptSession } {
  const passed = outcome === "passed";
  const refused = outcome === "refused";
  const burst = refused ? withRefusal(before?.refusals ?? [], seen.burst, nowMs) : null;
  const indicators: Indicator[] = [...new Set<Indicator>([...seen.indicators, ...(burst?.isBurst ? burstOnly : [])])];
  const others = [...(newTool && passed ? ["new_tool"] : []), ...(refused && refusal !== null ? [refusal] : [])];
  const reasons = [...new Set([...indicators, ...others])];
  const anomalies = reasons.map((reason): Anomaly => ({ atMs: nowMs, reason, detail: seen.detail }));
  const classification = [
    ...seen.tags,
    ...(passed ? seen.classification : []),
    ...(seen.outside?.classification ?? []),
  ];
  const tools = passed && seen.tool !== null ? [seen.tool] : [];

  const worsened = (state: KeptSession): KeptSession => ({
    ...state,
    lastMs: nowMs,
    classification: union(state.classification, classification),
    indicators: counted(state.indicators, indicators),
    anomalies: state.anomalies + anomalies.length,
    recent: [...state.recent, ...anomalies].slice(-maxRecent),
    outside: worst(state.outside, seen.outside),
  });
  const base = before ?? { ...unseen, startedMs: nowMs };
  const state: KeptSession = {
    ...worsened(base),
    known: { ...seen.known },
    calls: base.calls + 1,
    passed: base.passed + Number(passed),
    refused: base.refused + Number(refused),
    tools: union(base.tools, tools),
    refusals: burst?.refusals ?? base.refusals,
  };
  return { state, worse: (other) => worsened(other ?? { ...unseen, startedMs: nowMs }) };
}

/** True when the call says something of a session beside that it happened. */
export function isBad(seen: Observation, { outcome, newTool }: Effective): boolean {
  const passed = outcome === "passed";
  return (
    outcome === "refused" ||
    seen.indicators.length > 0 ||
    seen.tags.length > 0 ||
    seen.outside !== null ||
    (passed && (newTool || seen.classification.length > 0))
  );
}

const burstOnly: readonly Indicator[] = ["denied_burst"];

const unseen: KeptSession = {
  known: {},
  startedMs: 0,
  lastMs: 0,
  calls: 0,
  passed: 0,
  refused: 0,
  classification: [],
  tools: [],
  indicators: {},
  anomalies: 0,
  recent: [],
  outside: null,
  refusals: [],
};

/** After a burst the count begins again, so that each burst is told once. */
function withRefusal(
  earlier: readonly number[],
  { refusals, withinMs }: Observation["burst"],
  nowMs: number,
): { refusals: number[]; isBurst: boolean } {
  const latest = [...earlier, nowMs].slice(-refusals);
  const [first = nowMs] = latest;
  const isBurst = latest.length === refusals && nowMs - first <= withinMs;
  return { refusals: isBurst ? [] : latest, isBurst };
}

function union(known: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...known, ...more])].sort();
}

function counted(known: KeptSession["indicators"], more: readonly Indicator[]): KeptSession["indicators"] {
  const counts = { ...known };
  for (const indicator of more) counts[indicator] = (counts[indicator] ?? 0) + 1;
  return counts;
}

function worst(known: KeptSession["outside"], said: Observation["outside"]): KeptSession["outside"] {
  if (said === null) return known;
  const rank = (integrity: Integrity): number => integrities.indexOf(integrity);
  const kept = known ?? { seenMs: 0, integrity: "clean" as const, anomalies: false };
  return {
    seenMs: Math.max(kept.seenMs, said.signedAtMs),
    integrity: rank(said.integrity) > rank(kept.integrity) ? said.integrity : kept.integrity,
    anomalies: kept.anomalies || said.anomalies,
  };
}

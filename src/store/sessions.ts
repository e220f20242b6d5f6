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

/** What is to be kept of one call. Both functions are `null` where the call says nothing that has to be known elsewhere. */
export interface Remembered {
  state: KeptSession;
  /** The open session, after a call that belongs to another one. */
  worse: ((other: KeptSession | null) => KeptSession) | null;
  /** What the agent did outside of any session, after a call that belongs to none. Refusals alone are not held against others. */
  unbound: ((other: KeptSession | null) => KeptSession) | null;
}

/**
 * The session after one call. `settle-11.lua` says the same.
 */
export function remembered(
  before: KeptSession | null,
  seen: Observation,
  { outcome, refusal, newTool }: Effective,
  nowMs: number,
): Remembered {
  const passed = outcome === "passed";
  const refused = outcome === "refused";
  const counts = refused && !limitRefusals.includes(refusal ?? "");
  const burst = counts ? withRefusal(before?.refusals ?? [], seen.burst, nowMs) : null;
  const indicators: Indicator[] = [...new Set<Indicator>([...seen.indicators, ...(burst?.isBurst ? burstOnly : [])])];
  const others = [...(newTool && passed ? ["new_tool"] : []), ...(refused && refusal !== null ? [refusal] : [])];
  const reasons = [...new Set([...indicators, ...others])];
  const classification = [
    ...seen.tags,
    ...(passed ? seen.classification : []),
    ...(seen.outside?.classification ?? []),
  ];
  const tools = passed && seen.tool !== null ? [seen.tool] : [];

  const worsened = (other: KeptSession | null, anomalies: readonly string[]): KeptSession => {
    const state = other ?? { ...unseen, startedMs: nowMs };
    const told = anomalies.map((reason): Anomaly => ({ atMs: nowMs, reason, detail: seen.detail }));
    return {
      ...state,
      lastMs: nowMs,
      classification: union(state.classification, classification),
      indicators: counted(state.indicators, indicators),
      anomalies: state.anomalies + told.length,
      recent: [...state.recent, ...told].slice(-maxRecent),
      outside: worst(state.outside, seen.outside),
    };
  };
  const base = before ?? { ...unseen, startedMs: nowMs };
  const state: KeptSession = {
    ...worsened(before, reasons),
    known: { ...seen.known },
    calls: base.calls + 1,
    passed: base.passed + Number(passed),
    refused: base.refused + Number(refused),
    tools: union(base.tools, tools),
    refusals: burst?.refusals ?? base.refusals,
  };
  const isWorse = classification.length > 0 || seen.outside !== null;
  return {
    state,
    worse: isWorse || reasons.length > 0 ? (other) => worsened(other, reasons) : null,
    unbound: isWorse || indicators.length > 0 ? (other) => worsened(other, indicators) : null,
  };
}

/** What comes of calling too often is no sign of trying doors. */
const limitRefusals: readonly string[] = ["rate_exceeded", "budget_exceeded", "approvals_exceeded"];

/**
 * A session together with what its agent did outside of any: nobody can tell which run that belonged to, so it counts in
 * each. The open session knows of it by itself.
 */
export function withUnbound(
  session: string,
  own: SessionState | null,
  unbound: SessionState | null,
): SessionState | null {
  if (unbound === null || session.startsWith("open:")) return own;
  const base = own ?? { ...unseen, startedMs: unbound.lastMs, lastMs: unbound.lastMs };
  const counts = { ...base.indicators };
  for (const [name, count] of Object.entries(unbound.indicators) as [Indicator, number][]) {
    counts[name] = (counts[name] ?? 0) + count;
  }
  const { outside } = unbound;
  const said = outside && { ...outside, signedAtMs: 0, classification: [] };
  return {
    ...withoutRefusals(base),
    classification: union(base.classification, unbound.classification),
    indicators: counts,
    anomalies: base.anomalies + unbound.anomalies,
    recent: [...base.recent, ...unbound.recent].sort((a, b) => a.atMs - b.atMs).slice(-maxRecent),
    outside: worst(base.outside, said),
  };
}

function withoutRefusals({ refusals: _, ...state }: SessionState & { refusals?: unknown }): SessionState {
  return state;
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

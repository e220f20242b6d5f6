import { z } from "zod";
import { dayMs } from "../budget.js";
import {
  type BudgetWarning,
  type Charge,
  type Counters,
  type KnownCounters,
  limitNames,
  type Rate,
  type Usage,
  type UsedCounters,
} from "../store.js";
import { number, text } from "./forms.js";

const hourMs = 3_600_000;

/** A charge as settle-11 reads it. */
export function encodeCharge({ rate, toolRate, budget, sessionBudget }: Charge): string {
  return JSON.stringify({
    ...(rate && { rate: rateOf(rate) }),
    ...(toolRate && { tool_rate: { ...rateOf(toolRate), tool: toolRate.tool } }),
    ...(budget && { daily_budget: { limit: budget.limitMicro, cost: budget.costMicro } }),
    ...(sessionBudget && {
      session_budget: { limit: sessionBudget.limitMicro, cost: sessionBudget.costMicro, ttl: sessionBudget.ttlMs },
    }),
  });
}

function rateOf({ intervalUs, burst }: Rate): object {
  return { interval: intervalUs, burst };
}

export function encodeKnown(known: KnownCounters): string {
  const { charges, tatUs, day, spentMicro, keptUntilMs, lostAtMs } = known;
  return JSON.stringify({
    n: charges,
    ...(tatUs !== null && { tat: tatUs }),
    day,
    spent: spentMicro,
    until_ms: keptUntilMs,
    lost_ms: lostAtMs ?? 0,
    session_spent: known.sessionSpentMicro,
    session_until_ms: known.sessionKeptUntilMs,
    session_lost_ms: known.sessionLostAtMs ?? 0,
  });
}

const countersForm = z.tuple([number, text, text, number, number, number, number, number, text]);

/** Throws on anything unexpected. */
export function decodeCounters(nowMs: number, fields: readonly string[]): Counters {
  const [charges, tat, toolTat, day, spentMicro, sessionSpentMicro, keptUntilMs, sessionKeptUntilMs, lost] =
    countersForm.parse(fields);
  return {
    nowMs,
    charges,
    tatUs: numberOrNull(tat),
    toolTatUs: numberOrNull(toolTat),
    day,
    spentMicro,
    sessionSpentMicro,
    keptUntilMs,
    sessionKeptUntilMs,
    lostAtMs: numberOrNull(lost),
  };
}

function numberOrNull(written: string): number | null {
  return written === "" ? null : number.parse(written);
}

const warningForm = z.tuple([
  z.enum(limitNames).extract(["daily_budget", "session_budget"]),
  z.enum(["enforce", "shadow"]),
  z.enum(["80", "100"]),
  z.enum(["0", "1"]),
  number,
  number,
]);

/** Throws on anything unexpected. */
export function decodeWarnings(texts: readonly string[]): BudgetWarning[] {
  const warnings: BudgetWarning[] = [];
  for (let at = 0; at < texts.length; at += 6) {
    const [limit, mode, percent, refused, spentMicro, limitMicro] = warningForm.parse(texts.slice(at, at + 6));
    const told = { percent: percent === "80" ? (80 as const) : (100 as const), refused: refused === "1" };
    warnings.push({ limit, mode, ...told, spentMicro, limitMicro });
  }
  return warnings;
}

const usageReply = z.tuple([number, z.array(text), z.array(text), z.array(text), number]);

/** What usage-4 says. Throws on anything unexpected. */
export function decodeUsage(reply: unknown): Usage {
  const [nowMs, enforced, shadow, spent, pending] = usageReply.parse(reply);
  const session = fieldsOf(spent);
  return {
    nowMs,
    enforced: usedOf(nowMs, fieldsOf(enforced), session.get("enforced")),
    shadow: usedOf(nowMs, fieldsOf(shadow), session.get("shadow")),
    pending,
  };
}

function fieldsOf(flat: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(flat[at] ?? "", flat[at + 1] ?? "");
  return fields;
}

function usedOf(nowMs: number, fields: Map<string, string>, sessionSpent: string | undefined): UsedCounters {
  const of = (name: string): number => number.parse(fields.get(name) ?? "0");
  const index = Math.floor(nowMs / hourMs);
  const [hour, spent, before] = [of("hour"), of("hour_spent"), of("hour_before")];
  const tools = [...fields].filter(([name]) => name.startsWith("tat:"));
  return {
    tatUs: fields.has("tat_us") ? of("tat_us") : null,
    toolTatUs: Object.fromEntries(tools.map(([name, tat]) => [name.slice("tat:".length), number.parse(tat)])),
    spentMicro: of("day") >= Math.floor(nowMs / dayMs) ? of("spent") : 0,
    hourMicro: hour === index ? spent : 0,
    hourBeforeMicro: hour === index ? before : hour === index - 1 ? spent : 0,
    sessionSpentMicro: number.parse(sessionSpent ?? "0"),
  };
}

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
import { number, numberIn, text, textsIn, wordIn } from "./forms.js";

const hourMs = 3_600_000;

/** A charge as settle-11 reads it; what is `undefined` is not in its JSON. */
export function chargeForm({ rate, toolRate, budget, sessionBudget }: Charge): object {
  return {
    rate: rate && rateForm(rate),
    tool_rate: toolRate && { ...rateForm(toolRate), tool: toolRate.tool },
    daily_budget: budget && { limit: budget.limitMicro, cost: budget.costMicro },
    session_budget: sessionBudget && {
      limit: sessionBudget.limitMicro,
      cost: sessionBudget.costMicro,
      ttl: sessionBudget.ttlMs,
    },
  };
}

function rateForm({ intervalUs, burst }: Rate): object {
  return { interval: intervalUs, burst };
}

export function knownForm(known: KnownCounters): object {
  const { charges, tatUs, day, spentMicro, keptUntilMs, lostAtMs } = known;
  return {
    n: charges,
    tat: tatUs ?? undefined,
    day,
    spent: spentMicro,
    until_ms: keptUntilMs,
    lost_ms: lostAtMs ?? 0,
    session_spent: known.sessionSpentMicro,
    session_until_ms: known.sessionKeptUntilMs,
    session_lost_ms: known.sessionLostAtMs ?? 0,
  };
}

/** Throws on anything unexpected. */
export function decodeCounters(nowMs: number, fields: readonly string[]): Counters {
  const [charges, tat, toolTat, day, spent, sessionSpent, keptUntil, sessionKeptUntil, lost] = textsIn(fields, 9);
  return {
    nowMs,
    charges: numberIn(charges),
    tatUs: numberOrNull(tat),
    toolTatUs: numberOrNull(toolTat),
    day: numberIn(day),
    spentMicro: numberIn(spent),
    sessionSpentMicro: numberIn(sessionSpent),
    keptUntilMs: numberIn(keptUntil),
    sessionKeptUntilMs: numberIn(sessionKeptUntil),
    lostAtMs: numberOrNull(lost),
  };
}

function numberOrNull(written: unknown): number | null {
  return written === "" ? null : numberIn(written);
}

const budgets = limitNames.filter((name) => name === "daily_budget" || name === "session_budget");

/** Throws on anything unexpected. */
export function decodeWarnings(texts: readonly string[]): BudgetWarning[] {
  const warnings: BudgetWarning[] = [];
  for (let at = 0; at < texts.length; at += 6) {
    const [limit, mode, percent, refused, spent, most] = textsIn(texts.slice(at, at + 6), 6);
    warnings.push({
      limit: wordIn(budgets, limit),
      mode: wordIn(["enforce", "shadow"], mode),
      percent: wordIn(["80", "100"], percent) === "80" ? 80 : 100,
      refused: wordIn(["0", "1"], refused) === "1",
      spentMicro: numberIn(spent),
      limitMicro: numberIn(most),
    });
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

import { dayMs } from "./budget.js";
import { ExpiringMap } from "./expiring_map.js";
import {
  type LimitState,
  type LimitStates,
  putBack,
  type SessionSpending,
  spentToday,
  toolTatOf,
  unspent,
  unused,
  weigh,
} from "./limits.js";
import type {
  BudgetWarning,
  Charge,
  Counters,
  LimitOutcome,
  SettleRequest,
  Usage,
  UsageRequest,
  UsedCounters,
} from "./store.js";
import { newsOf, untold } from "./warnings.js";

type Mode = BudgetWarning["mode"];

interface Weighing {
  enforced: LimitOutcome;
  shadow: LimitOutcome | null;
  /** Charges what was weighed when the call goes on, and tells of budgets that are used up. */
  settle(charges: boolean): { counters: Counters; warnings: BudgetWarning[]; changed: boolean };
}

const hourMs = 3_600_000;

/** The counters of a memory store. */
export class MemoryLimits {
  private readonly limits = {
    enforce: new ExpiringMap<string, LimitState>(),
    shadow: new ExpiringMap<string, LimitState>(),
  };
  /** Of both modes together: they are remembered for equally long. */
  private readonly sessions = new ExpiringMap<string, Record<Mode, SessionSpending>>();

  weigh(nowMs: number, { agent, enforced, shadow, known }: SettleRequest): Weighing {
    const found = this.statesOf("enforce", agent, sessionOf(enforced), nowMs);
    const restored = known ? putBack(nowMs, found, known) : null;
    if (restored) this.keep("enforce", agent, sessionOf(enforced), restored, nowMs);
    const states = restored ?? found;
    const shadowStates = this.statesOf("shadow", agent, sessionOf(shadow), nowMs);
    const weighed = weigh(nowMs * 1000, states, enforced);
    const shadowed = shadow && weigh(nowMs * 1000, shadowStates, shadow);
    return {
      enforced: weighed.outcome,
      shadow: shadowed?.outcome ?? null,
      settle: (charges) => {
        const warnings: BudgetWarning[] = [];
        let changed = false;
        const settle = (mode: Mode, charge: Charge, before: LimitStates, { outcome, next }: typeof weighed) => {
          const left = charges && next ? next : before;
          if (left === next) {
            this.keep(mode, agent, sessionOf(charge), left, nowMs);
            changed = true;
          }
          const warns = charges || outcome.outcome !== "ok";
          if (warns) warnings.push(...this.warn(mode, { agent, charge, left, outcome }, nowMs));
          return left;
        };
        const left = settle("enforce", enforced, states, weighed);
        if (shadow && shadowed) settle("shadow", shadow, shadowStates, shadowed);
        return { counters: countersOf(nowMs, left, enforced), warnings, changed };
      },
    };
  }

  usage(nowMs: number, { agent, session }: UsageRequest): Pick<Usage, "enforced" | "shadow"> {
    const of = (mode: Mode): UsedCounters => {
      const { limits, session: spending } = this.statesOf(mode, agent, session, nowMs);
      const index = Math.floor(nowMs / hourMs);
      const { hour } = limits;
      return {
        tatUs: limits.tatUs,
        toolTatUs: { ...limits.toolTatUs },
        spentMicro: spentToday(nowMs, limits.budget).spentMicro,
        hourMicro: hour?.index === index ? hour.micro : 0,
        hourBeforeMicro: hour?.index === index ? hour.beforeMicro : hour?.index === index - 1 ? hour.micro : 0,
        sessionSpentMicro: spending.spentMicro,
      };
    };
    return { enforced: of("enforce"), shadow: of("shadow") };
  }

  /** Keeps what a session has spent until then at least. */
  prolong(agent: string, session: string, untilMs: number, nowMs: number): void {
    const both = this.sessions.get(keyOf(agent, session), nowMs);
    if (both) this.keepSession("enforce", keyOf(agent, session), { ...both.enforce, keptUntilMs: untilMs }, nowMs);
  }

  private statesOf(mode: Mode, agent: string, session: string | null, nowMs: number): LimitStates {
    const spending = session === null ? undefined : this.sessions.get(keyOf(agent, session), nowMs);
    return { limits: this.limits[mode].get(agent, nowMs) ?? unused, session: spending?.[mode] ?? unspent };
  }

  private keep(
    mode: Mode,
    agent: string,
    session: string | null,
    { limits, session: spent }: LimitStates,
    nowMs: number,
  ) {
    this.limits[mode].set(agent, limits, limits.keptUntilMs, nowMs);
    if (session !== null && spent.spentMicro > 0) this.keepSession(mode, keyOf(agent, session), spent, nowMs);
  }

  private keepSession(mode: Mode, key: string, spent: SessionSpending, nowMs: number): void {
    const both = this.sessions.get(key, nowMs) ?? { enforce: unspent, shadow: unspent };
    const keptUntilMs = Math.max(both.enforce.keptUntilMs, spent.keptUntilMs);
    const [enforce, shadow] = [mode === "enforce" ? spent : both.enforce, mode === "shadow" ? spent : both.shadow];
    const next = { enforce: { ...enforce, keptUntilMs }, shadow: { ...shadow, keptUntilMs } };
    this.sessions.set(key, next, keptUntilMs, nowMs);
  }

  private warn(
    mode: Mode,
    { agent, charge, left, outcome }: { agent: string; charge: Charge; left: LimitStates; outcome: LimitOutcome },
    nowMs: number,
  ): BudgetWarning[] {
    const warnings: BudgetWarning[] = [];
    const refusedBy = outcome.outcome === "budget_exceeded" ? outcome.limit : null;
    const { budget, sessionBudget } = charge;
    if (budget && budget.costMicro > 0) {
      const { day, spentMicro } = spentToday(nowMs, left.limits.budget);
      const { limitMicro } = budget;
      const told = left.limits.warned?.day === day ? left.limits.warned : untold;
      const found = newsOf(told, { spentMicro, limitMicro, refused: refusedBy === "daily_budget" });
      if (found) {
        const keptUntilMs = Math.max(left.limits.keptUntilMs, (day + 2) * dayMs);
        const next = { ...left.limits, warned: { ...found.told, day }, keptUntilMs };
        this.limits[mode].set(agent, next, keptUntilMs, nowMs);
        warnings.push(
          ...found.news.map((one) => ({ limit: "daily_budget" as const, mode, ...one, spentMicro, limitMicro })),
        );
      }
    }
    if (sessionBudget && sessionBudget.costMicro > 0) {
      const { spentMicro, warned, keptUntilMs } = left.session;
      const { limitMicro, session, ttlMs } = sessionBudget;
      const found = newsOf(warned, { spentMicro, limitMicro, refused: refusedBy === "session_budget" });
      if (found) {
        const until = keptUntilMs > nowMs ? keptUntilMs : nowMs + ttlMs;
        this.keepSession(
          mode,
          keyOf(agent, session),
          { ...left.session, warned: found.told, keptUntilMs: until },
          nowMs,
        );
        warnings.push(
          ...found.news.map((one) => ({ limit: "session_budget" as const, mode, ...one, spentMicro, limitMicro })),
        );
      }
    }
    return warnings;
  }
}

function sessionOf(charge: Charge | undefined): string | null {
  return charge?.sessionBudget?.session ?? null;
}

function keyOf(agent: string, session: string): string {
  return JSON.stringify([agent, session]);
}

function countersOf(nowMs: number, { limits, session }: LimitStates, { toolRate }: Charge): Counters {
  return {
    nowMs,
    charges: limits.charges,
    tatUs: limits.tatUs,
    toolTatUs: toolRate ? toolTatOf(limits, toolRate.tool) : null,
    ...spentToday(nowMs, limits.budget),
    sessionSpentMicro: session.spentMicro,
    keptUntilMs: limits.charges > 0 ? limits.keptUntilMs : 0,
    sessionKeptUntilMs: session.spentMicro > 0 ? session.keptUntilMs : 0,
    lostAtMs: limits.lostAtMs,
  };
}

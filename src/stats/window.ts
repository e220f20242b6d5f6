import { letsThrough, type Verdict, verdicts } from "../verdict.js";
import type { Counted } from "./counted.js";
import { cellOf, histogramCells } from "./histogram.js";
import { Names, otherSlot } from "./names.js";
import { type AgentCount, type RuleCount, type Seen, type StepNumbers, seenIn, type WindowNumbers } from "./seen.js";
import { Tally } from "./tally.js";

const minuteMs = 60_000;
/** Minutes that are kept. */
const kept = 1_440;
/** Names of agents, and of rules, that are told apart. Further ones are counted together. */
export const mostNames = 300;
/** Names that make room once a minute for others, when there is none. */
const makeRoom = 100;
/** Slots of agents: those for which there is no room, and callers whom nobody knows. */
const unknownSlot = 1;

const ofAgents = { calls: 0, blocked: 1, would_block: 2 } as const;
const ofRules = { blocked: 0, would_block: 1 } as const;

/** Everything that was counted in one minute. */
interface Minute {
  /** Minutes since the epoch; which one the place holds. */
  at: number;
  enforced: number[];
  decided: number[];
  wouldBlock: number;
  latency: Uint32Array;
  agents: Tally;
  rules: Tally;
}

/** What was decided in the last 24 hours, by the minute, in bounded memory (some 13 MiB at most). */
export class StatsWindow {
  readonly #now: () => number;
  readonly #minutes: (Minute | undefined)[] = new Array<Minute | undefined>(kept).fill(undefined);
  readonly #agents = new Names(mostNames, 2);
  readonly #rules = new Names(mostNames, 1);
  #madeRoom = { agents: 0, rules: 0 };

  /** `now`: milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What lies outside the window is passed over. */
  count({ atMs, count, agent, decision, enforced, fate, rules, latencyUs }: Counted): void {
    const minute = this.#minuteFor(Math.floor(atMs / minuteMs));
    if (!minute) return;
    add(minute.enforced, verdicts.indexOf(enforced), count);
    add(minute.decided, verdicts.indexOf(decision), count);
    const cell = cellOf(latencyUs);
    minute.latency[cell] = (minute.latency[cell] ?? 0) + count;
    const slot = agent === null ? unknownSlot : this.#slotFor("agents", agent);
    minute.agents.add(slot, ofAgents.calls, count);
    if (fate === "passed") return;
    if (fate === "would_block") minute.wouldBlock += count;
    minute.agents.add(slot, ofAgents[fate], count);
    for (const rule of rules) minute.rules.add(this.#slotFor("rules", rule), ofRules[fate], count);
  }

  /** The last `steps` steps of so many whole minutes, as clocks show them; the present one is the last. */
  see(stepMinutes: number, steps: number): Seen {
    return seenIn([this.numbers(stepMinutes, steps)]);
  }

  /** The same as it is counted, to be put together with what other processes counted. */
  numbers(stepMinutes: number, steps: number): WindowNumbers {
    const last = Math.floor(this.#now() / minuteMs / stepMinutes);
    const groups = Array.from({ length: steps }, (_, i) => {
      const step = last - steps + 1 + i;
      return { atMs: step * stepMinutes * minuteMs, minutes: this.#between(step * stepMinutes, stepMinutes) };
    });
    const all = groups.flatMap(({ minutes }) => minutes);
    return {
      steps: groups.map(({ atMs, minutes }) => stepOf(atMs, minutes)),
      agents: this.#agentsIn(all),
      rules: this.#rulesIn(all),
    };
  }

  #between(first: number, count: number): Minute[] {
    return Array.from({ length: count }, (_, i) => this.#minutes[(first + i) % kept]).flatMap((minute, i) =>
      minute?.at === first + i ? [minute] : [],
    );
  }

  #live(): Minute[] {
    const now = Math.floor(this.#now() / minuteMs);
    return this.#between(now - kept + 1, kept);
  }

  #minuteFor(at: number): Minute | null {
    const now = Math.floor(this.#now() / minuteMs);
    if (!(at <= now && at > now - kept)) return null;
    const place = at % kept;
    const known = this.#minutes[place];
    if (known?.at === at) return known;
    const fresh: Minute = {
      at,
      enforced: verdicts.map(() => 0),
      decided: verdicts.map(() => 0),
      wouldBlock: 0,
      latency: new Uint32Array(histogramCells),
      agents: new Tally(Object.keys(ofAgents).length),
      rules: new Tally(Object.keys(ofRules).length),
    };
    this.#minutes[place] = fresh;
    return fresh;
  }

  #slotFor(kind: "agents" | "rules", name: string): number {
    const names = kind === "agents" ? this.#agents : this.#rules;
    const slot = names.slotOf(name);
    if (slot !== null) return slot;
    const now = Math.floor(this.#now() / minuteMs);
    if (this.#madeRoom[kind] === now) return otherSlot;
    // Once a minute, so that a flood of names costs no more than that.
    this.#madeRoom[kind] = now;
    this.#dropLeast(kind, names);
    return names.slotOf(name) ?? otherSlot;
  }

  /** Those that matter least go to the others: fewest calls that were blocked, then fewest calls. */
  #dropLeast(kind: "agents" | "rules", names: Names): void {
    const live = this.#live();
    const columns = Object.keys(kind === "agents" ? ofAgents : ofRules).length;
    const sums = sumOf(
      live.map((minute) => minute[kind]),
      names.size,
      columns,
    );
    const row = (slot: number) => sums.subarray(slot * columns, (slot + 1) * columns);
    const weight = (slot: number) => (kind === "agents" ? offence(row(slot)) : ([total(row(slot)), 0] as const));
    const least = names
      .taken()
      .map((slot) => ({ slot, weight: weight(slot) }))
      .sort((a, b) => a.weight[0] - b.weight[0] || a.weight[1] - b.weight[1])
      .slice(0, makeRoom)
      .map(({ slot }) => slot);
    for (const minute of live) minute[kind].fold(least);
    names.release(least);
  }

  #agentsIn(minutes: readonly Minute[]): AgentCount[] {
    const columns = Object.keys(ofAgents).length;
    const sums = sumOf(
      minutes.map(({ agents }) => agents),
      this.#agents.size,
      columns,
    );
    const slots = [otherSlot, unknownSlot, ...this.#agents.taken()];
    return slots
      .map((slot): AgentCount => {
        const at = (column: keyof typeof ofAgents) => sums[slot * columns + ofAgents[column]] ?? 0;
        const who = slot === otherSlot ? "other" : slot === unknownSlot ? "unknown" : "agent";
        const counts = { calls: at("calls"), blocked: at("blocked"), would_block: at("would_block") };
        return { who, agent_id: this.#agents.nameAt(slot), ...counts };
      })
      .filter(({ calls }) => calls > 0);
  }

  #rulesIn(minutes: readonly Minute[]): RuleCount[] {
    const columns = Object.keys(ofRules).length;
    const sums = sumOf(
      minutes.map(({ rules }) => rules),
      this.#rules.size,
      columns,
    );
    return [otherSlot, ...this.#rules.taken()]
      .map((slot): RuleCount => {
        const at = (column: keyof typeof ofRules) => sums[slot * columns + ofRules[column]] ?? 0;
        return { rule: this.#rules.nameAt(slot), blocked: at("blocked"), would_block: at("would_block") };
      })
      .filter(({ blocked, would_block }) => blocked + would_block > 0);
  }
}

function stepOf(atMs: number, minutes: readonly Minute[]): StepNumbers {
  const sums = (counts: (minute: Minute) => readonly number[]) =>
    Object.fromEntries(
      verdicts.map((verdict, i) => [verdict, minutes.reduce((sum, minute) => sum + (counts(minute)[i] ?? 0), 0)]),
    ) as Record<Verdict, number>;
  return {
    atMs,
    enforced: sums(({ enforced }) => enforced),
    decided: sums(({ decided }) => decided),
    would_block: minutes.reduce((sum, { wouldBlock }) => sum + wouldBlock, 0),
    cells: cellsOf(minutes),
  };
}

function cellsOf(minutes: readonly Minute[]): Float64Array {
  const cells = new Float64Array(histogramCells);
  for (const { latency } of minutes)
    for (let i = 0; i < histogramCells; i++) cells[i] = (cells[i] ?? 0) + (latency[i] ?? 0);
  return cells;
}

function sumOf(tallies: readonly Tally[], slots: number, columns: number): Float64Array {
  // Tallies grow by doubling, so the last one may be longer than its slots need.
  const sums = new Float64Array(slots * columns * 2);
  for (const tally of tallies) tally.addTo(sums);
  return sums;
}

/** Calls that were blocked or would have been, and calls. */
function offence(row: Float64Array): readonly [number, number] {
  const calls = row[ofAgents.calls] ?? 0;
  return [total(row) - calls, calls];
}

function total(row: Float64Array): number {
  return row.reduce((sum, one) => sum + one, 0);
}

function add(counts: number[], at: number, count: number): void {
  counts[at] = (counts[at] ?? 0) + count;
}

/** Calls that did not reach the tool. */
export function blockedOf(counts: Record<Verdict, number>): number {
  return verdicts.reduce((sum, verdict) => sum + (letsThrough(verdict) ? 0 : counts[verdict]), 0);
}

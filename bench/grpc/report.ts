import { ratiosOf, type Spread, spreadOf } from "../harness/stats.js";
import { type Rows, shown } from "../harness/table.js";
import type { Figure } from "./measure.js";
import type { Found } from "./run.js";

const mebibyte = 1 << 20;

/** What each contender came to, one row each. */
export function closedRows(found: readonly Found[]): Rows {
  const head = ["closed loop, 32 callers", "us CPU", "us Redis", "calls/s", "p50 ms", "p99 ms", "p99.9 ms"];
  const memory = ["MB", "MB Redis", "ms to reload"];
  return [
    [...head, ...memory],
    ...found.map(({ key, name, closed, reloads }) => [
      `(${key}) ${name}`,
      over(closed, ({ cpuUs }) => cpuUs, 0),
      over(closed, ({ redisCpuUs }) => redisCpuUs, 0),
      over(closed, ({ perSecond }) => perSecond, 0),
      ...latencies(closed),
      over(closed.slice(-1), ({ residentBytes }) => residentBytes / mebibyte, 0),
      over(closed.slice(-1), ({ redisResidentBytes }) => redisResidentBytes / mebibyte, 0),
      reloads.length === 0 ? "-" : shown(spreadOf(reloads), 0),
    ]),
  ];
}

/** Latencies at equal offered loads. */
export function openRows(found: readonly Found[]): Rows {
  const levels = found.find(({ open }) => open.length > 0)?.open ?? [];
  return [
    ["open loop", "of saturation", "offered/s", "answered/s", "us CPU", "p50 ms", "p99 ms", "p99.9 ms"],
    ...levels.flatMap(({ level, offered }, i) =>
      found.flatMap(({ key, name, open }) => {
        const figures = open[i]?.figures;
        if (!figures) return [];
        const answered = over(figures, ({ perSecond }) => perSecond, 0);
        const cpu = over(figures, ({ cpuUs }) => cpuUs, 0);
        return [[`(${key}) ${name}`, level.toFixed(2), offered.toFixed(0), answered, cpu, ...latencies(figures)]];
      }),
    ),
  ];
}

/** A ratio of two contenders: what it is of, and what it came to over the rounds. */
export interface Ratio {
  name: string;
  spread: Spread;
}

/** The ratios to the peer in both its forms, or to the floor where there is no peer. */
export function ratios(found: readonly Found[]): Ratio[] {
  const of = (key: string) => found.find((contender) => contender.key === key);
  const peers = [of("d"), of("d2")].filter((peer) => peer !== undefined);
  const floor = of("a");
  return (peers.length > 0 || !floor ? peers : [floor]).flatMap((below) => ratiosTo(below, found));
}

function ratiosTo(below: Found, found: readonly Found[]): Ratio[] {
  const made: Ratio[] = [];
  const isPeer = (key: string) => key === "d" || key === "d2";
  for (const above of found.filter(({ key }) => key !== below.key && !isPeer(key))) {
    const pair = `${above.key}/${below.key}`;
    const add = (what: string, ours: readonly Figure[], theirs: readonly Figure[], figure: (of: Figure) => number) => {
      made.push({ name: `${pair} ${what}`, spread: ratiosOf(ours.map(figure), theirs.map(figure)) });
    };
    add("CPU a call", above.closed, below.closed, ({ cpuUs }) => cpuUs);
    if (above.closed.some(({ redisCpuUs }) => redisCpuUs > 0)) {
      add("CPU a call, with Redis", above.closed, below.closed, ({ cpuUs, redisCpuUs }) => cpuUs + redisCpuUs);
    }
    for (const [i, { level, figures }] of above.open.entries()) {
      const theirs = below.open[i]?.figures;
      if (!theirs) continue;
      add(`p99 at ${level} of saturation`, figures, theirs, ({ p99 }) => p99);
      add(`CPU a call at ${level} of saturation`, figures, theirs, ({ cpuUs }) => cpuUs);
    }
  }
  return made;
}

export function ratioRows(all: readonly Ratio[]): Rows {
  return [["ratio", "median", "min", "max"], ...all.map(({ name, spread }) => [name, ...fixed(spread)])];
}

function fixed({ median, min, max }: Spread): string[] {
  return [median, min, max].map((value) => value.toFixed(2));
}

export function over<F>(figures: readonly F[], of: (figure: F) => number, digits: number): string {
  const values = figures.map(of);
  return values.some(Number.isFinite) ? shown(spreadOf(values), digits) : "-";
}

function latencies(figures: readonly Figure[]): string[] {
  return [over(figures, ({ p50 }) => p50, 1), over(figures, ({ p99 }) => p99, 1), over(figures, ({ p999 }) => p999, 1)];
}

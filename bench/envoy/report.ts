import { over, type Ratio } from "../grpc/report.js";
import { ratiosOf } from "../harness/stats.js";
import type { Rows } from "../harness/table.js";
import type { ChainFigure, ChainFound } from "./run.js";

const mebibyte = 1 << 20;

const wholeOf = ({ envoyCpuUs, helpersCpuUs, redisCpuUs }: ChainFigure): number =>
  envoyCpuUs + helpersCpuUs + redisCpuUs;

/** What each chain came to, and what it adds to Envoy alone, round by round. */
export function chainRows(found: readonly ChainFound[]): Rows {
  const head = ["Envoy, 16 connections, closed loop", "us CPU", "added", "of Envoy", "of helpers", "of Redis"];
  return [
    [...head, "req/s", "p50 ms", "p99 ms", "p99.9 ms", "MB"],
    ...found.map(({ key, name, figures }) => [
      `(${key}) ${name}`,
      over(figures, wholeOf, 0),
      over(addedBy(found, key), (added) => added, 0),
      over(figures, ({ envoyCpuUs }) => envoyCpuUs, 0),
      over(figures, ({ helpersCpuUs }) => helpersCpuUs, 0),
      over(figures, ({ redisCpuUs }) => redisCpuUs, 0),
      over(figures, ({ perSecond }) => perSecond, 0),
      over(figures, ({ p50 }) => p50, 1),
      over(figures, ({ p99 }) => p99, 1),
      over(figures, ({ p999 }) => p999, 1),
      over(figures.slice(-1), ({ residentBytes }) => residentBytes / mebibyte, 0),
    ]),
  ];
}

/** Ours against what users would put together: CPU that is added to Envoy alone, and the 99th percentile. */
export function chainRatios(found: readonly ChainFound[]): Ratio[] {
  const figuresOf = (key: string): readonly ChainFigure[] => found.find((chain) => chain.key === key)?.figures ?? [];
  const made: Ratio[] = [];
  for (const below of ["e", "e-cached"]) {
    const theirs = figuresOf(below);
    if (theirs.length === 0) continue;
    for (const above of ["ours", "ours+outcomes", "floor"]) {
      const added = ratiosOf(addedBy(found, above), addedBy(found, below));
      made.push({ name: `${above}/${below} CPU added to Envoy alone`, spread: added });
      const [ours, others] = [figuresOf(above), theirs].map((figures) => figures.map(({ p99 }) => p99));
      made.push({ name: `${above}/${below} p99`, spread: ratiosOf(ours ?? [], others ?? []) });
    }
  }
  return made;
}

/** Microseconds of CPU a request beyond Envoy alone, in the order of the rounds. */
function addedBy(found: readonly ChainFound[], key: string): number[] {
  const alone = found.find((chain) => chain.key === "alone")?.figures ?? [];
  const figures = found.find((chain) => chain.key === key)?.figures ?? [];
  return figures.map((figure, round) => {
    const base = alone[round];
    return base ? wholeOf(figure) - wholeOf(base) : Number.NaN;
  });
}

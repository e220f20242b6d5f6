import type { Json } from "../call.js";

/** One policy's word on what a call costs, in micro-units: `base`, and so much for each unit of a parameter. */
export interface CostTerm {
  base_micro: number;
  per: Readonly<Record<string, number>>;
}

/** More than any budget holds, and still counted exactly. */
const mostMicro = Number.MAX_SAFE_INTEGER;

/**
 * What the call costs, in whole micro-units: the highest of what policies say, else `fallback`. Parameters that are no
 * numbers cost nothing here; the policy program has refused the call for them.
 */
export function costOf(terms: readonly CostTerm[], params: Readonly<Record<string, Json>>, fallback: number): number {
  if (terms.length === 0) return fallback;
  return Math.max(...terms.map((term) => Math.min(mostMicro, wholeMicro(sum(term, params)))));
}

/** Rounded up, unless it is a whole number but for the rounding of doubles: 1.1 times 100000 is 110000. */
function wholeMicro(micro: number): number {
  return Number.isInteger(micro) ? micro : Math.ceil(micro - micro * 2 ** -50);
}

function sum({ base_micro: base, per }: CostTerm, params: Readonly<Record<string, Json>>): number {
  return Object.entries(per).reduce((total, [name, each]) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    return typeof value === "number" && value > 0 ? total + each * value : total;
  }, base);
}

import type { Json } from "../call.js";
import type { Mode } from "../verdict.js";

/** One policy's word on what a call costs, in micro-units: `base`, and so much for each unit of a parameter. */
export interface CostTerm {
  base_micro: number;
  per: Readonly<Record<string, number>>;
  mode: Mode;
}

/** What one call costs, in whole micro-units. */
export interface Costs {
  /** By what is enforced. */
  enforced: number;
  /** As if everything were enforced; this is what counters in shadow count. */
  computed: number;
}

/** More than any budget holds, and still counted exactly. */
const mostMicro = Number.MAX_SAFE_INTEGER;

type Params = Readonly<Record<string, Json>>;

/**
 * What the call costs: the highest of what policies say, else `fallback`. Parameters that are no numbers cost nothing
 * here; the policy program has refused the call for them.
 */
export function costsOf(terms: readonly CostTerm[], params: Params, fallback: number): Costs {
  if (terms.length === 0) return { enforced: fallback, computed: fallback };
  const enforced = terms.filter(({ mode }) => mode === "enforce");
  return { enforced: highest(enforced, params, fallback), computed: highest(terms, params, fallback) };
}

function highest(terms: readonly CostTerm[], params: Params, fallback: number): number {
  if (terms.length === 0) return fallback;
  return Math.max(...terms.map((term) => Math.min(mostMicro, wholeMicro(sum(term, params)))));
}

/** Rounded up, unless it is a whole number but for the rounding of doubles: 1.1 times 100000 is 110000. */
function wholeMicro(micro: number): number {
  return Number.isInteger(micro) ? micro : Math.ceil(micro - micro * 2 ** -50);
}

function sum({ base_micro: base, per }: CostTerm, params: Params): number {
  return Object.entries(per).reduce((total, [name, each]) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    return typeof value === "number" && value > 0 ? total + each * value : total;
  }, base);
}

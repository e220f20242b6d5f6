import type { Literal } from "./flat.js";

/** A boolean expression over atoms. */
export type Formula =
  | { kind: "literal"; atom: number; negated: boolean }
  | { kind: "not"; of: Formula }
  | { kind: "and" | "or"; of: Formula[] };

/** Most conjunctions a condition may grow to; beyond it evaluation would no longer be cheap. */
const maxConjunctions = 128;

/**
 * Disjunctive normal form. Distribution and De Morgan's laws hold in Kleene's three-valued logic too, so a condition
 * with an error in it keeps its value. Returns `null` when the form would be too large.
 */
export function toDisjunction(formula: Formula): Literal[][] | null {
  return disjunction(formula, false);
}

function disjunction(formula: Formula, negate: boolean): Literal[][] | null {
  if (formula.kind === "literal") return [[{ atom: formula.atom, negated: formula.negated !== negate }]];
  if (formula.kind === "not") return disjunction(formula.of, !negate);
  const parts: Literal[][][] = [];
  for (const part of formula.of) {
    const flat = disjunction(part, negate);
    if (flat === null) return null;
    parts.push(flat);
  }
  const isOr = (formula.kind === "or") !== negate;
  const result = isOr ? parts.flat() : product(parts);
  return result.length > maxConjunctions ? null : result;
}

function product(parts: Literal[][][]): Literal[][] {
  let result: Literal[][] = [[]];
  for (const part of parts) {
    result = result.flatMap((left) => part.map((right) => [...left, ...right]));
    if (result.length > maxConjunctions) return result;
  }
  return result;
}

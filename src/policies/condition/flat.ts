import type { Json } from "../../call.js";

/**
 * A CEL condition as data, for `policies/rego/condition.rego`: a disjunction of conjunctions over `atoms`.
 * `any` is never empty and none of its members is.
 */
export interface Condition {
  atoms: Atom[];
  any: Literal[][];
}

export interface Literal {
  /** Index into `atoms`. */
  atom: number;
  negated: boolean;
}

export type Comparison =
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "in"
  | "matches"
  | "startsWith"
  | "endsWith"
  | "contains";

export type Atom =
  | { op: Comparison; left: Operand; right: Operand }
  /** A bare boolean. */
  | { op: "is"; left: Operand }
  /** `has(left.field)`. */
  | { op: "has"; left: Operand; field: string };

/** A constant, or a place in the input document (with `size`: the size of what is there). */
export type Operand = { value: Json } | { path: string[]; size?: true };

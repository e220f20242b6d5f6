import { isOmitted, type RecordedDecision } from "../audit/form.js";
import { isMasked } from "../audit/masked.js";
import type { Violation } from "../verdict.js";
import type { Group } from "./scope.js";
import { Values } from "./values.js";

/** A numeric rule, as a violation of it tells. */
export interface Bound {
  kind: "max" | "min";
  param: string;
  limit: number;
}

/** The bound that a violation is about; `null` for a rule of another kind. */
export function boundOf({ rule, param, limit }: Violation): Bound | null {
  if (param === undefined || typeof limit !== "number") return null;
  if (rule === `max_${param}`) return { kind: "max", param, limit };
  return rule === `min_${param}` ? { kind: "min", param, limit } : null;
}

/** What the calls that a numeric rule judged asked for, and from it the limit that most of them keep. */
export class Threshold {
  readonly rule: string;
  readonly param: string;
  readonly group: Group;
  /** Keys of the scopes whose calls count. */
  readonly scopes = new Set<string>();
  /** The strictest limit of the newest violation. */
  limit: number;
  /** Also where the whole input was too large for the record. */
  masked = 0;
  absent = 0;
  notNumbers = 0;
  readonly #kind: "max" | "min";
  readonly #values = new Values();
  #seenMs = Number.NEGATIVE_INFINITY;

  constructor(rule: string, { kind, param, limit }: Bound, group: Group) {
    this.rule = rule;
    this.param = param;
    this.group = group;
    this.limit = limit;
    this.#kind = kind;
  }

  /** Calls that named a number. */
  get values(): number {
    return this.#values.count;
  }

  /** Significant digits that numbers were rounded to, away from refusing; `null` = exact. */
  get digits(): number | null {
    return this.#values.digits;
  }

  see(limit: number, atMs: number): void {
    const stricter = this.#kind === "max" ? limit < this.limit : limit > this.limit;
    if (atMs > this.#seenMs || (atMs === this.#seenMs && stricter)) this.limit = limit;
    this.#seenMs = Math.max(atMs, this.#seenMs);
  }

  count({ opa_decision: asked }: RecordedDecision): void {
    if (asked === null) return;
    const value = isOmitted(asked.input) ? masked : paramOf(asked.input.params, this.param);
    if (value === undefined) this.absent += 1;
    else if (value === masked || isMasked(value)) this.masked += 1;
    else if (typeof value !== "number" || !Number.isFinite(value)) this.notNumbers += 1;
    else this.#values.add(this.#kind === "max" ? value : -value);
  }

  /** The strictest limit that would have let at least `percent` of the numbers through; `null` without numbers. */
  permitting(percent: number): number | null {
    const bound = this.#values.atMost(percent);
    if (bound === null || this.#kind === "max") return bound;
    return bound === 0 ? 0 : -bound;
  }
}

const masked = Symbol("masked");

function paramOf(params: unknown, name: string): unknown {
  if (typeof params !== "object" || params === null || !Object.hasOwn(params, name)) return undefined;
  return (params as Record<string, unknown>)[name];
}

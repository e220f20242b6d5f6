import { isDeepStrictEqual } from "node:util";
import type { Atom, Comparison, Condition, Literal, Operand } from "../../policies/condition/flat.js";

/** What must hold for one literal to be true: a comparison of something with a constant, or anything else as a whole. */
interface Claim {
  /** What is compared. */
  of: string;
  op: Comparison | "not in" | "holds" | "does not hold";
  value: unknown;
}

const negations: Partial<Record<Comparison, Claim["op"]>> = {
  "==": "!=",
  "!=": "==",
  "<": ">=",
  "<=": ">",
  ">": "<=",
  ">=": "<",
  in: "not in",
};
const mirrored: Partial<Record<Comparison, Comparison>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};
/** More alternatives than this are not looked through. */
const most = 4_096;

/**
 * True or false for a condition that has this value for every call that has all its fields, `null` when it depends. Finds
 * contradictions between comparisons with constants; what it does not see through depends.
 */
export function constantTruth({ atoms, any }: Condition): boolean | null {
  const claims = any.map((literals) => literals.map((literal) => claimOf(atoms, literal)));
  if (claims.every(contradicts)) return false;
  const contrary = product(
    any.map((literals) => literals.map((one) => claimOf(atoms, { ...one, negated: !one.negated }))),
  );
  return contrary?.every(contradicts) ? true : null;
}

function claimOf(atoms: readonly Atom[], { atom: index, negated }: Literal): Claim {
  const atom = atoms[index];
  if (!atom) throw new Error(`a condition has no atom ${index}`);
  if (atom.op === "is" || atom.op === "has") {
    const value = atom.op === "is" && "value" in atom.left ? atom.left.value : undefined;
    if (typeof value === "boolean") return { of: "", op: value === negated ? "does not hold" : "holds", value };
    return { of: JSON.stringify(atom), op: negated ? "does not hold" : "holds", value: null };
  }
  const [name, constant, op] = sides(atom);
  const wanted = op && (negated ? negations[op] : op);
  if (wanted) return { of: name, op: wanted, value: constant };
  return { of: JSON.stringify(atom), op: negated ? "does not hold" : "holds", value: null };
}

/** What is compared with which constant; no comparison when neither side is constant. */
function sides({
  left,
  right,
  op,
}: Extract<Atom, { left: Operand; right: Operand }>): [string, unknown, Comparison | null] {
  if ("value" in right) return [JSON.stringify(left), right.value, op];
  if ("value" in left && mirrored[op]) return [JSON.stringify(right), left.value, mirrored[op] ?? null];
  return ["", null, null];
}

function contradicts(claims: readonly Claim[]): boolean {
  return claims.some((one, i) => isImpossible(one) || claims.slice(i + 1).some((other) => clash(one, other)));
}

/** A constant compared with a constant. */
function isImpossible({ of, op, value }: Claim): boolean {
  if (of === "") return op === "does not hold";
  const known = JSON.parse(of) as { value?: unknown };
  return Object.hasOwn(known, "value") && !admits({ of, op, value }, known.value);
}

function clash(one: Claim, other: Claim): boolean {
  if (one.of !== other.of) return false;
  if (one.op === "holds" || one.op === "does not hold")
    return one.op !== other.op && isDeepStrictEqual(one.value, other.value);
  const values = candidates(one) ?? candidates(other);
  if (values) return !values.some((value) => admits(one, value) && admits(other, value));
  return emptyRange(one, other) || emptyRange(other, one);
}

/** The only values that a claim leaves; `null` when they cannot be listed. */
function candidates({ op, value }: Claim): readonly unknown[] | null {
  if (op === "==") return [value];
  return op === "in" && Array.isArray(value) ? value : null;
}

function admits({ op, value: limit }: Claim, value: unknown): boolean {
  const comparable = typeof value === typeof limit;
  const [a, b] = [value as number, limit as number];
  switch (op) {
    case "==":
      return isDeepStrictEqual(value, limit);
    case "!=":
      return !isDeepStrictEqual(value, limit);
    case "in":
      return !Array.isArray(limit) || limit.some((member) => isDeepStrictEqual(member, value));
    case "not in":
      return !Array.isArray(limit) || !limit.some((member) => isDeepStrictEqual(member, value));
    case "<":
      return comparable && a < b;
    case "<=":
      return comparable && a <= b;
    case ">":
      return comparable && a > b;
    case ">=":
      return comparable && a >= b;
    case "startsWith":
      return String(value).startsWith(String(limit));
    case "endsWith":
      return String(value).endsWith(String(limit));
    case "contains":
      return String(value).includes(String(limit));
    default:
      return true;
  }
}

function emptyRange(lower: Claim, upper: Claim): boolean {
  if (![">", ">="].includes(lower.op) || !["<", "<="].includes(upper.op)) return false;
  const [a, b] = [lower.value, upper.value];
  if (typeof a !== "number" || typeof b !== "number") return false;
  return a > b || (a === b && !(lower.op === ">=" && upper.op === "<="));
}

/** One claim of each alternative, in every combination; `null` when there are too many. */
function product(alternatives: readonly Claim[][]): Claim[][] | null {
  let result: Claim[][] = [[]];
  for (const claims of alternatives) {
    if (result.length * claims.length > most) return null;
    result = result.flatMap((so_far) => claims.map((claim) => [...so_far, claim]));
  }
  return result;
}

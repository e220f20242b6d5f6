import { type CelInput, celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import type { Json } from "../call.js";
import { ConditionError, type Places, positions } from "../policies/condition/error.js";
import { patternWeight } from "../policies/pattern_weight.js";
import type { Claims } from "./values.js";

type Expr = ReturnType<typeof parse>["expr"];

/** Whether verified claims are those that the issuer is trusted with. */
export type When = (claims: Claims) => boolean;

/** About so many instructions RE2 may make of one pattern; it is prepared anew for each token. */
const heaviestPattern = 2_000;

/** A macro goes over every element, and what it looks at for each may go over every element again. */
const longestList = 256;

const env = celEnv();

/**
 * Compiles the `when` of an entry: CEL (cel-spec, language definition) over the one name `claims`, with the functions and
 * macros of its standard library. Only `true` passes: everything else, an error such as a claim that is missing included,
 * is false. Whole numbers of a claim are CEL ints, all others doubles; the two compare with each other.
 *
 * Patterns are RE2, which takes linear time, and written out; macros do not stand inside each other and take no patterns, and
 * a condition with a macro is false where the claims hold a list or an object of more than 256 members, so that what a token
 * says cannot make its check long. Throws `ConditionError` with line and column inside the text.
 */
export function compileWhen(text: string): When {
  const { evaluate, hasMacro } = planned(text);
  return (claims) => !(hasMacro && isLong(claims)) && evaluate({ claims: toCel(claims) }) === true;
}

function isLong(value: Json | Claims): boolean {
  if (typeof value !== "object" || value === null) return false;
  const members: readonly Json[] = Array.isArray(value) ? value : Object.values(value);
  return members.length > longestList || members.some(isLong);
}

function planned(text: string): { evaluate: ReturnType<typeof plan>; hasMacro: boolean } {
  const parsed = parseCel(text);
  try {
    const seen: Seen = { where: positions(text, parsed.sourceInfo), macros: 0 };
    check(parsed.expr, seen, []);
    if (!canBeTrue(parsed.expr)) throw new ConditionError("a condition is true or false, and this never is", 1, 1);
    return { evaluate: plan(env, parsed), hasMacro: seen.macros > 0 };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConditionError("the condition is nested too deeply", 1, 1);
  }
}

function parseCel(text: string): ReturnType<typeof parse> {
  try {
    return parse(text);
  } catch (error) {
    throw ConditionError.fromParser(error, text);
  }
}

interface Seen {
  where: Places;
  macros: number;
}

/** A slip would show as a token that is always refused, long after the configuration was loaded. */
function check(expr: Expr | undefined, seen: Seen, variables: readonly string[]): void {
  if (!expr) return;
  const { where } = seen;
  const kind = expr.exprKind;
  switch (kind.case) {
    case "identExpr": {
      const { name } = kind.value;
      if (name !== "claims" && !variables.includes(name)) {
        throw where(expr).error(`unknown name \`${name}\`; a condition is about \`claims\``);
      }
      return;
    }
    case "selectExpr":
      check(kind.value.operand, seen, variables);
      return;
    case "listExpr":
      for (const element of kind.value.elements) check(element, seen, variables);
      return;
    case "structExpr":
      if (kind.value.messageName !== "") throw where(expr).error("messages are not supported in a condition");
      for (const { keyKind, value } of kind.value.entries) {
        if (keyKind.case === "mapKey") check(keyKind.value, seen, variables);
        check(value, seen, variables);
      }
      return;
    case "callExpr": {
      const { function: name, target, args } = kind.value;
      if (!isOperator(name) && !env.funcs.find(name)) throw where(expr).error(`unknown function \`${name}\``);
      if (name === "matches" && variables.length > 0) throw where(expr).error("matches() cannot stand inside a macro");
      if (name === "matches") checkPattern(target ? args[0] : args[1], where, expr);
      for (const part of [target, ...args]) check(part, seen, variables);
      return;
    }
    case "comprehensionExpr": {
      if (variables.length > 0) throw where(expr).error("a macro cannot stand inside another one");
      seen.macros += 1;
      const { iterRange, iterVar, iterVar2, accuVar, accuInit, loopCondition, loopStep, result } = kind.value;
      check(iterRange, seen, variables);
      const inside = [iterVar, iterVar2, accuVar];
      for (const part of [accuInit, loopCondition, loopStep, result]) check(part, seen, inside);
      return;
    }
    default:
      return;
  }
}

/** The parser calls operators `_&&_`, `_[_]`, `@in` and the like; none of those can be written. */
function isOperator(name: string): boolean {
  return !/^[A-Za-z]/.test(name);
}

function checkPattern(pattern: Expr | undefined, where: Places, call: NonNullable<Expr>): void {
  const constant = pattern?.exprKind.case === "constExpr" ? pattern.exprKind.value.constantKind : undefined;
  if (constant?.case !== "stringValue") throw where(call).error("matches() takes a pattern that is written out");
  const shown = JSON.stringify(constant.value);
  if (isCelError(plan(env, parse(`"".matches(${shown})`))())) throw where(call).error(`${shown} is not an RE2 pattern`);
  if (patternWeight(constant.value) > heaviestPattern) throw where(call).error(`${shown} is too large a pattern`);
}

function canBeTrue(expr: Expr | undefined): boolean {
  const kind = expr?.exprKind;
  if (kind?.case === "constExpr") return kind.value.constantKind.case === "boolValue";
  if (kind?.case === "identExpr") return false;
  return kind?.case !== undefined && kind.case !== "listExpr" && kind.case !== "structExpr";
}

/** Maps and not objects, whose members the library would look up by way of their constructor. */
function toCel(value: Json | Claims): CelInput {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== "object" || value === null) return value;
  return new Map(Object.entries(value).map(([name, member]) => [name, toCel(member)]));
}

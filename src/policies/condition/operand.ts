import type { parse } from "@bufbuild/cel";
import type { Json } from "../../call.js";
import type { Places } from "./error.js";
import type { Operand } from "./flat.js";
import { type Type, vocabulary } from "./vocabulary.js";

/** An expression as the CEL parser gives it. */
export type Expr = NonNullable<ReturnType<typeof parse>["expr"]>;

/** An operand with what is known of it at load. */
export interface Typed {
  operand: Operand;
  type: Type;
  /** As written, for messages. */
  text: string;
  /** Known fields of a map that has only these. */
  fields?: Record<string, Type>;
}

/** Deepest path that `condition.rego` can follow. */
const maxDepth = 6;

/** Turns one side of a comparison into data, or throws what is wrong with it. */
export function typedOperand(expr: Expr, where: Places): Typed {
  const constant = constantOf(expr);
  if (constant) {
    if (typeof constant.value === "number" && !Number.isFinite(constant.value))
      throw where(expr).error("not a finite number");
    if (constant.unsafe) throw where(expr).error("an integer beyond 2^53 cannot be compared exactly");
    return { operand: { value: constant.value }, type: typeOf(constant.value), text: JSON.stringify(constant.value) };
  }
  const size = sizeArgument(expr);
  if (size) {
    const inner = typedOperand(size, where);
    if (!("path" in inner.operand) || inner.operand.size)
      throw where(expr).error("size() takes a name, as in size(params.hosts)");
    if (!["string", "list", "map", "dyn"].includes(inner.type)) throw where(expr).error(`a ${inner.type} has no size`);
    return { operand: { path: inner.operand.path, size: true }, type: "number", text: `size(${inner.text})` };
  }
  return name(expr, where);
}

function name(expr: Expr, where: Places): Typed {
  const kind = expr.exprKind;
  if (kind.case === "identExpr") {
    const known = Object.hasOwn(vocabulary, kind.value.name) ? vocabulary[kind.value.name] : undefined;
    if (!known) {
      throw where(expr).error(`unknown name \`${kind.value.name}\`; known are ${Object.keys(vocabulary).join(", ")}`);
    }
    const { type, path, fields } = known;
    return { operand: { path }, type, text: kind.value.name, ...(fields && { fields }) };
  }
  const step = fieldStep(expr);
  if (!step) throw where(expr).error("only names, fields, constants and size() can be compared");
  const parent = typedOperand(step.of, where);
  if (!("path" in parent.operand) || parent.operand.size || !["map", "dyn"].includes(parent.type)) {
    throw where(expr).error(`\`${parent.text}\` has no fields`);
  }
  const type = parent.fields ? parent.fields[step.field] : "dyn";
  if (!type || (parent.fields && !Object.hasOwn(parent.fields, step.field))) {
    throw where(expr).error(`\`${parent.text}\` has no field \`${step.field}\``);
  }
  const path = [...parent.operand.path, step.field];
  if (path.length > maxDepth) throw where(expr).error(`a path has at most ${maxDepth} steps`);
  return { operand: { path }, type, text: `${parent.text}.${step.field}` };
}

/** `a.b` and `a["b"]` are the same step. */
function fieldStep(expr: Expr): { of: Expr; field: string } | null {
  const kind = expr.exprKind;
  if (kind.case === "selectExpr" && !kind.value.testOnly && kind.value.operand) {
    return { of: kind.value.operand, field: kind.value.field };
  }
  if (kind.case === "callExpr" && kind.value.function === "_[_]") {
    const [of, index] = kind.value.args;
    const field = index && constantOf(index)?.value;
    if (of && typeof field === "string") return { of, field };
  }
  return null;
}

function sizeArgument(expr: Expr): Expr | null {
  if (expr.exprKind.case !== "callExpr" || expr.exprKind.value.function !== "size") return null;
  const { target, args } = expr.exprKind.value;
  const all = target ? [target, ...args] : args;
  return all.length === 1 && all[0] ? all[0] : null;
}

/** The value of a literal, or of a list of literals; `null` when the expression is neither. */
export function constantOf(expr: Expr): { value: Json; unsafe: boolean } | null {
  const kind = expr.exprKind;
  if (kind.case === "listExpr") {
    const members = kind.value.elements.map(constantOf);
    if (members.some((member) => member === null)) return null;
    const known = members.filter((member) => member !== null);
    return { value: known.map((member) => member.value), unsafe: known.some((member) => member.unsafe) };
  }
  if (kind.case === "callExpr" && kind.value.function === "-_" && kind.value.args[0]) {
    const inner = constantOf(kind.value.args[0]);
    return inner && typeof inner.value === "number" ? { value: -inner.value, unsafe: inner.unsafe } : null;
  }
  if (kind.case !== "constExpr") return null;
  const constant = kind.value.constantKind;
  switch (constant.case) {
    case "stringValue":
    case "boolValue":
    case "doubleValue":
      return { value: constant.value, unsafe: false };
    case "int64Value":
    case "uint64Value":
      return { value: Number(constant.value), unsafe: !Number.isSafeInteger(Number(constant.value)) };
    case "nullValue":
      return { value: null, unsafe: false };
    default:
      return null;
  }
}

function typeOf(value: Json): Type {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "bool" : "map";
}

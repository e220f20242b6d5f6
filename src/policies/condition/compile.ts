import { parse } from "@bufbuild/cel";
import { ConditionError, positions } from "./error.js";
import type { Atom, Comparison, Condition } from "./flat.js";
import { type Formula, toDisjunction } from "./normal_form.js";
import { constantOf, type Expr, typedOperand } from "./operand.js";
import { checkOperands } from "./types.js";

const comparisons: Readonly<Record<string, Comparison>> = {
  "_==_": "==",
  "_!=_": "!=",
  "_<_": "<",
  "_<=_": "<=",
  "_>_": ">",
  "_>=_": ">=",
  "@in": "in",
  matches: "matches",
  startsWith: "startsWith",
  endsWith: "endsWith",
  contains: "contains",
};

/** These are methods of a text; the other comparisons are operators. */
const methods: readonly Comparison[] = ["matches", "startsWith", "endsWith", "contains"];

/** Calls that stand for a value: the size of something, a field in brackets, a negative number. */
const operands: readonly string[] = ["size", "_[_]", "-_"];

/** Longest condition accepted, in characters. */
const maxLength = 4_096;

/**
 * Compiles a CEL condition (cel-spec, language definition) to data. Supported: comparisons, `in`, `matches`,
 * `startsWith`, `endsWith`, `contains`, `has`, `size`, `&&`, `||`, `!` over the names of the vocabulary.
 * Throws `ConditionError` with line and column inside the text for everything else.
 */
export function compileCondition(text: string): Condition {
  if (text.length > maxLength) throw new ConditionError(`a condition has at most ${maxLength} characters`, 1, 1);
  const parsed = parseCel(text);
  const where = positions(text, parsed.sourceInfo);
  const atoms: Atom[] = [];

  const atom = (value: Atom): Formula => {
    atoms.push(value);
    return { kind: "literal", atom: atoms.length - 1, negated: false };
  };

  const formula = (expr: Expr): Formula => {
    const kind = expr.exprKind;
    if (kind.case === "callExpr") {
      const { function: name, args, target } = kind.value;
      if (name === "_&&_") return { kind: "and", of: args.map(formula) };
      if (name === "_||_") return { kind: "or", of: args.map(formula) };
      if (name === "!_" && args[0]) return { kind: "not", of: formula(args[0]) };
      const op = Object.hasOwn(comparisons, name) ? comparisons[name] : undefined;
      const [first, second, ...others] = target ? [target, ...args] : args;
      if (op && first && second && others.length === 0 && methods.includes(op) === (target !== undefined)) {
        const left = typedOperand(first, where);
        const right = typedOperand(second, where);
        checkOperands(op, left, right, where(expr));
        return atom({ op, left: left.operand, right: right.operand });
      }
      if (op && methods.includes(op)) throw where(expr).error(`\`${op}\` is written as text.${op}(text)`);
      if (name === "has") throw where(expr).error("has() takes a field, as in has(params.replicas)");
      if (!operands.includes(name)) {
        throw where(expr).error(`\`${readable(name)}\` is not supported in a condition`);
      }
    }
    if (kind.case === "selectExpr" && kind.value.testOnly && kind.value.operand) {
      const parent = typedOperand(kind.value.operand, where);
      if (!["map", "dyn"].includes(parent.type)) throw where(expr).error(`\`${parent.text}\` has no fields`);
      if (parent.fields && !Object.hasOwn(parent.fields, kind.value.field)) {
        throw where(expr).error(`\`${parent.text}\` has no field \`${kind.value.field}\``);
      }
      return atom({ op: "has", left: parent.operand, field: kind.value.field });
    }
    const constant = constantOf(expr);
    const operand = typedOperand(expr, where);
    if (operand.type !== "bool" && operand.type !== "dyn") {
      throw where(expr).error(`this is a ${operand.type}, and a condition needs a bool`);
    }
    if (constant && typeof constant.value !== "boolean") throw where(expr).error("a condition needs a bool");
    return atom({ op: "is", left: operand.operand });
  };

  const tree = formula(parsed.expr);
  const any = toDisjunction(tree);
  if (any === null) {
    throw new ConditionError("the condition is too intricate: split it into several actions or files", 1, 1);
  }
  return { atoms, any };
}

function parseCel(text: string): ReturnType<typeof parse> & { expr: Expr } {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(text);
  } catch (error) {
    throw ConditionError.fromParser(error, text);
  }
  if (!parsed.expr) throw new ConditionError("the condition is empty", 1, 1);
  return parsed as ReturnType<typeof parse> & { expr: Expr };
}

function readable(name: string): string {
  return name === "_?_:_" ? "? :" : name.replaceAll("_", "").replace("@", "");
}

import { celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import type { Place } from "./error.js";
import type { Comparison } from "./flat.js";
import type { Typed } from "./operand.js";
import type { Type } from "./vocabulary.js";

const ordered: readonly Type[] = ["number", "string", "bool", "dyn"];
const strings: readonly Type[] = ["string", "dyn"];

/** Throws when the two sides can never be compared, so that a slip in a policy shows at load and not as a denial. */
export function checkOperands(op: Comparison, left: Typed, right: Typed, place: Place): void {
  const differ = left.type !== right.type && left.type !== "dyn" && right.type !== "dyn";
  switch (op) {
    case "==":
    case "!=":
      if (differ && left.type !== "null" && right.type !== "null") throw mismatch(op, left, right, place);
      return;
    case "<":
    case "<=":
    case ">":
    case ">=":
      if (differ || !ordered.includes(left.type) || !ordered.includes(right.type))
        throw mismatch(op, left, right, place);
      return;
    case "in":
      if (!["list", "map", "dyn"].includes(right.type))
        throw place.error(`\`in\` needs a list or map on the right, not a ${right.type}`);
      return;
    case "matches":
      checkPattern(right, place);
      if (!strings.includes(left.type)) throw mismatch(op, left, right, place);
      return;
    case "startsWith":
    case "endsWith":
    case "contains":
      if (!strings.includes(left.type) || !strings.includes(right.type)) throw mismatch(op, left, right, place);
      return;
    default:
      op satisfies never;
  }
}

/** A pattern must be written out, and must be RE2 (what the policy program runs: linear time). */
function checkPattern(right: Typed, place: Place): void {
  if (!("value" in right.operand) || typeof right.operand.value !== "string") {
    throw place.error("matches() takes a pattern that is written out");
  }
  // The RE2 inside OPA's WebAssembly is older than this spelling.
  if (/(?<!\\)\(\?</.test(right.operand.value)) throw place.error("a named group is written (?P<name>...)");
  const probe = plan(celEnv(), parse(`"".matches(${JSON.stringify(right.operand.value)})`))();
  if (isCelError(probe)) throw place.error(`${JSON.stringify(right.operand.value)} is not an RE2 pattern`);
}

function mismatch(op: Comparison, left: Typed, right: Typed, place: Place) {
  return place.error(
    `\`${left.text}\` is a ${left.type} and \`${right.text}\` a ${right.type}: \`${op}\` cannot compare them`,
  );
}

import type { Path } from "../files/located_yaml.js";
import { compileApproval, type FileApproval } from "./compile_approval.js";
import type { CompileContext } from "./compile_context.js";
import type { ActionDocument, Rule } from "./document.js";
import { type Defaults, standingOf } from "./rule.js";
import { compileBound } from "./rules/bounds.js";
import type { CompiledRule, RuleContext, RuleKey } from "./rules/rule_key.js";
import { ruleKeys } from "./rules/table.js";
import { compileSanitize } from "./sanitize.js";
import type { ActionSource } from "./schema.js";

/**
 * Turns one entry of `actions` into data. `at` is where it stands in the file, `whole` what the file says of the approvals
 * of all its actions.
 */
export function compileAction(
  action: ActionSource,
  at: Path,
  context: CompileContext,
  whole: FileApproval,
): ActionDocument {
  const { mode, on_violation: onViolation } = action;
  const defaults: Defaults = {
    mode: mode ?? context.defaults.mode,
    on_violation: onViolation ?? context.defaults.on_violation,
  };
  return {
    name: action.name,
    rules: compileRules(action, at, { ...context, defaults }),
    ...compileApproval(action, at, { ...context, defaults }, whole),
    ...(action.sanitize && { sanitize: compileSanitize(action.sanitize), sanitize_mode: defaults.mode }),
  };
}

function compileRules(action: ActionSource, at: Path, context: CompileContext): Rule[] {
  const { defaults, patternMistake, mistake } = context;
  const bounds = action.bounds.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const params = [...Object.keys(action.params ?? {}), ...bounds.map(({ param }) => param)];
  const named = Object.entries(ruleKeys as Record<string, RuleKey>).flatMap(([key, { compile }]) => {
    const written = action[key as keyof typeof ruleKeys];
    if (written === undefined) return [];
    const told: RuleContext["mistake"] = (path, message, within) => mistake([...at, key, ...path], message, within);
    return compile(written, { params, patternMistake, mistake: told }).map((rule) => finished(key, rule, defaults));
  });
  return [...named, ...bounds.map((bound) => finished(bound.key, compileBound(bound), defaults))];
}

/** What people cannot let pass: Rego says itself when they are asked, and a call has to cost something known. */
const neverApproved: readonly Rule["kind"][] = ["rego", "cost"];

/** A compiled rule under the key by which people know it. */
export function finished(key: string, { standing = {}, ...body }: CompiledRule, defaults: Defaults): Rule {
  const { mode, ...breach } = standingOf(standing, defaults);
  return { rule: key, ...body, mode, ...(!neverApproved.includes(body.kind) && breach) };
}

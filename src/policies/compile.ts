import type { Located, Problem } from "../files/located_yaml.js";
import { inOnePiece } from "../one_piece.js";
import type { Mode } from "../verdict.js";
import { compileAction, finished } from "./compile_action.js";
import { compileApproval, fileApproval } from "./compile_approval.js";
import type { CompileContext } from "./compile_context.js";
import { splitPrefixes } from "./deny_actions.js";
import type { ActionDocument, FileDocument } from "./document.js";
import { compileEgress } from "./egress.js";
import { standingOf } from "./rule.js";
import { ruleKeys } from "./rules/table.js";
import type { PolicySource } from "./schema.js";

export interface CompileOptions {
  /** Mode of files that name none. */
  defaultMode: Mode;
  /** What is wrong with a pattern (RE2), `null` when nothing is. */
  patternMistake(text: string): string | null;
}

/** One file, compiled by itself. */
export interface Compiled {
  source: Located<PolicySource>;
  /** Agents that the file names; `null` for a guardrail, which applies to everybody. */
  names: string[] | null;
  mode: Mode;
  document: FileDocument;
  problems: Problem[];
}

/** Compiles one file, which need not know of the others. Its mistakes are in `problems`. */
export function compileSource(source: Located<PolicySource>, options: CompileOptions): Compiled {
  const problems: Problem[] = [];
  const mode = source.value.mode ?? options.defaultMode;
  const context: CompileContext = {
    source,
    defaults: { mode },
    patternMistake: options.patternMistake,
    mistake: (...place) => problems.push(source.problem(...place)),
  };
  return { source, names: namesOf(source.value), mode, document: compileFile(context), problems };
}

/** Kept as long as the set, and the text of the file with each of them if they were parts of it. */
function namesOf(policy: PolicySource): string[] | null {
  if (policy.guardrail) return null;
  return (policy.agents ?? (policy.agent === undefined ? [] : [policy.agent])).map(inOnePiece);
}

function compileFile(context: CompileContext): FileDocument {
  const { source, defaults, mistake } = context;
  const { guardrail, tools, deny_actions: denied, egress } = source.value;
  return {
    file: source.file,
    guardrail: guardrail === true,
    grants: guardrail !== true,
    ...(tools && { tools }),
    ...(denied && { deny_actions: { ...splitPrefixes(denied.value), ...standingOf(denied, defaults) } }),
    ...(egress && {
      egress: {
        allow: compileEgress(egress.value, (index, message) =>
          mistake(["egress", ...egress.at, "allow", index], message),
        ),
        ...standingOf(egress, defaults),
      },
    }),
    actions: compileActions(context),
  };
}

/** `rego` of a file holds for each of its actions, or makes an entry for every action when it names none. */
function compileActions(context: CompileContext): ActionDocument[] {
  const { source, defaults } = context;
  const { rego, actions } = source.value;
  const whole = fileApproval(context);
  const compiled = (actions ?? []).map((action, index) => compileAction(action, ["actions", index], context, whole));
  if (!rego) return compiled;
  const rules = ruleKeys.rego
    .compile(rego, {
      params: [],
      patternMistake: context.patternMistake,
      mistake: (path, message) => context.mistake(["rego", ...path], message),
    })
    .map((rule) => finished("rego", rule, defaults));
  const entries = actions ? compiled : [{ name: "*", rules: [], ...compileApproval({}, [], context, whole) }];
  return entries.map((entry) => ({ ...entry, rules: [...entry.rules, ...rules] }));
}

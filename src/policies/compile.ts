import { InvalidFile, type Located, type Problem } from "../files/located_yaml.js";
import type { Mode } from "../verdict.js";
import { compileAction, finished } from "./compile_action.js";
import { compileApproval, fileApproval } from "./compile_approval.js";
import type { CompileContext } from "./compile_context.js";
import { splitPrefixes } from "./deny_actions.js";
import type { ActionDocument, AgentDocument, FileDocument } from "./document.js";
import { compileEgress } from "./egress.js";
import { lowestLimits } from "./limits.js";
import { clashingPatterns, needsOf } from "./needs.js";
import { standingOf } from "./rule.js";
import { ruleKeys } from "./rules/table.js";
import type { PolicySource } from "./schema.js";

/** Compiled policies by agent id; `*` is the document of agents that no file names. */
export type Documents = Map<string, AgentDocument>;

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

/**
 * Puts compiled files together to one document per agent. Every file that names the agent applies, and every guardrail.
 * Throws `InvalidFile` with the mistakes of all files.
 */
export function joinPolicies(compiled: readonly Compiled[], defaultMode: Mode): Documents {
  const clashing = clashingPatterns(compiled.map(({ source }) => source));
  const problems = [...clashing, ...compiled.flatMap((file) => file.problems)];
  if (problems.length > 0) throw new InvalidFile(problems);

  const agents = new Set(["*", ...compiled.flatMap(({ names }) => names ?? [])]);
  return new Map(
    [...agents].sort().map((agent) => {
      const applying = compiled.filter(({ names }) => names === null || names.includes(agent));
      return [agent, documentOf(applying, defaultMode)];
    }),
  );
}

function namesOf(policy: PolicySource): string[] | null {
  if (policy.guardrail) return null;
  return policy.agents ?? (policy.agent === undefined ? [] : [policy.agent]);
}

function documentOf(applying: readonly Compiled[], defaultMode: Mode): AgentDocument {
  const granting = applying.filter(({ document }) => document.grants);
  // What no single rule decides is in shadow only when every file that lists actions is.
  const listing = granting.filter(({ document }) => document.actions.length > 0);
  const deciding = listing.length > 0 ? listing : granting;
  const inShadow = deciding.length > 0 && deciding.every(({ mode }) => mode === "shadow");
  const mode = granting.length === 0 ? defaultMode : inShadow ? "shadow" : "enforce";
  // Guardrails come last, so that what they set is not set otherwise by an agent's own file.
  const guardrails = applying.filter(({ document }) => !document.grants);
  // What is only tried out grants nothing beside what is enforced.
  const granted = granting.map(({ document, mode: own }) =>
    own === "shadow" && mode === "enforce" ? { ...document, grants: false } : document,
  );
  const files = [...granted, ...guardrails.map(({ document }) => document)];
  const limits = lowestLimits(applying.map(({ source, mode }) => ({ limits: source.value.limits, mode })));
  const enforces = mode === "enforce" || limits.enforced !== undefined || files.some(holdsEnforced);
  return {
    mode,
    failure_mode: enforces ? "enforce" : "shadow",
    files,
    limits,
    needs: needsOf(
      files,
      applying.map(({ source }) => source.value),
    ),
  };
}

function holdsEnforced({ deny_actions, egress, actions }: FileDocument): boolean {
  const modes = actions.flatMap((action) => [
    action.sanitize_mode,
    action.approval?.mode,
    ...action.rules.map((rule) => rule.mode),
  ]);
  return [deny_actions?.mode, egress?.mode, ...modes].includes("enforce");
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

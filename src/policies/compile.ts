import { InvalidFile, type Located, type Problem } from "../files/located_yaml.js";
import type { Mode } from "../verdict.js";
import { compileCondition } from "./condition/compile.js";
import { ConditionError } from "./condition/error.js";
import type { ActionDocument, AgentDocument, FileDocument, Rule } from "./document.js";
import { lowestLimits } from "./limits.js";
import type { ActionSource, PolicySource } from "./schema.js";

/** Compiled policies by agent id; `*` is the document of agents that no file names. */
export type Documents = Map<string, AgentDocument>;

/**
 * Compiles policy files to one document per agent. Every file that names the agent applies, and every guardrail.
 * `defaultMode` is the mode of files that name none. Throws `InvalidFile` with the mistakes of all files.
 */
export function compilePolicies(sources: readonly Located<PolicySource>[], defaultMode: Mode): Documents {
  const problems: Problem[] = [];
  const compiled = sources.map((source) => ({
    source,
    names: namesOf(source.value),
    document: compileFile(source, defaultMode, problems),
  }));
  if (problems.length > 0) throw new InvalidFile(problems);

  const agents = new Set(["*", ...compiled.flatMap(({ names }) => names ?? [])]);
  return new Map(
    [...agents].sort().map((agent) => {
      const applying = compiled.filter(({ names }) => names === null || names.includes(agent));
      return [agent, documentOf(applying, defaultMode)];
    }),
  );
}

/** Agents that a file names; `null` for a guardrail, which applies to everybody. */
function namesOf(policy: PolicySource): string[] | null {
  if (policy.guardrail) return null;
  return policy.agents ?? (policy.agent === undefined ? [] : [policy.agent]);
}

function documentOf(
  applying: readonly { source: Located<PolicySource>; document: FileDocument }[],
  defaultMode: Mode,
): AgentDocument {
  const modeOf = (policy: PolicySource): Mode => policy.mode ?? defaultMode;
  const granting = applying.filter(({ document }) => document.grants);
  // What no single rule decides is in shadow only when every file that grants is.
  const inShadow = granting.length > 0 && granting.every(({ source }) => modeOf(source.value) === "shadow");
  const mode = granting.length === 0 ? defaultMode : inShadow ? "shadow" : "enforce";
  const limits = applying.map(({ source }) => ({ limits: source.value.limits, mode: modeOf(source.value) }));
  // Guardrails come last, so that what they set is not set otherwise by an agent's own file.
  const guardrails = applying.filter(({ document }) => !document.grants);
  const documents = [...granting, ...guardrails].map(({ document }) => document);
  const lowest = lowestLimits(limits);
  const enforces = mode === "enforce" || lowest.enforced !== undefined || documents.some(holdsEnforced);
  return { mode, failure_mode: enforces ? "enforce" : "shadow", files: documents, limits: lowest };
}

function holdsEnforced({ deny_actions, actions }: FileDocument): boolean {
  const modes = actions.flatMap((action) => [
    action.sanitize_mode,
    action.approval?.mode,
    ...action.rules.map((rule) => rule.mode),
  ]);
  return [deny_actions?.mode, ...modes].includes("enforce");
}

function compileFile(source: Located<PolicySource>, defaultMode: Mode, problems: Problem[]): FileDocument {
  const policy = source.value;
  const mode = policy.mode ?? defaultMode;
  const denied = policy.deny_actions;
  return {
    file: source.file,
    grants: policy.guardrail !== true,
    ...(policy.tools && { tools: policy.tools }),
    ...(denied && { deny_actions: { ...splitPrefixes(denied.value), mode: denied.mode ?? mode } }),
    actions: (policy.actions ?? []).map((action, index) => {
      const at = ["actions", index];
      return compileAction(action, action.mode ?? mode, (path, text) => {
        try {
          return compileCondition(text);
        } catch (error) {
          if (!(error instanceof ConditionError)) throw error;
          problems.push(source.problem([...at, ...path], error.message, error));
          return null;
        }
      });
    }),
  };
}

type Compile = (path: readonly string[], text: string) => ReturnType<typeof compileCondition> | null;

function compileAction(action: ActionSource, mode: Mode, compile: Compile): ActionDocument {
  const rules: Rule[] = [];
  const environments = action.allowed_environments;
  if (environments) {
    rules.push({
      rule: "allowed_environments",
      kind: "environments",
      values: environments.value,
      mode: environments.mode ?? mode,
    });
  }
  const images = action.allowed_images;
  if (images) {
    const permitted = images.value.map(({ digest, repository }) => ({ digest, ...(repository && { repository }) }));
    rules.push({ rule: "allowed_images", kind: "images", images: permitted, mode: images.mode ?? mode });
  }
  for (const bound of action.bounds.toSorted((a, b) => (a.rule < b.rule ? -1 : 1))) {
    rules.push({
      rule: bound.rule,
      kind: bound.kind,
      param: bound.param,
      limit: bound.value,
      mode: bound.mode ?? mode,
    });
  }

  const approval = action.approval_needed;
  const text = approval === undefined || approval.value === false ? undefined : String(approval.value);
  const condition = text === undefined ? null : compile(["approval_needed", ...(approval?.at ?? [])], text);
  return {
    name: action.name,
    rules,
    ...(condition && text !== undefined && { approval: { source: text, mode: approval?.mode ?? mode, condition } }),
    ...(action.sanitize && { sanitize: sanitizeOf(action.sanitize), sanitize_mode: mode }),
  };
}

function sanitizeOf(sanitize: NonNullable<ActionSource["sanitize"]>): NonNullable<ActionDocument["sanitize"]> {
  return {
    headers: { set: sanitize.headers?.set ?? {}, remove: sanitize.headers?.remove ?? [] },
    query: { set: sanitize.query?.set ?? {}, remove: sanitize.query?.remove ?? [] },
  };
}

/** `iam:*` denies every action that begins with `iam:`. Lower case, as the program compares them. */
function splitPrefixes(names: readonly string[]): { exact: string[]; prefixes: string[] } {
  return {
    exact: names.filter((name) => !name.endsWith("*")).map((name) => name.toLowerCase()),
    prefixes: names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1).toLowerCase()),
  };
}

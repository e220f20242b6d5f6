import type { Json } from "../../call.js";
import type { Judgement, Judges } from "../../evaluate/judge.js";
import { describe } from "../../evaluate/messages.js";
import { rejudge } from "../../evaluate/rejudge.js";
import type { Atom } from "../../policies/condition/flat.js";
import type { AgentDocument, FileDocument, Rule } from "../../policies/document.js";
import type { Mode } from "../../verdict.js";

/** Why a decision is what it is. */
export interface Explanation {
  policyVersion: string;
  /** False when no file names the agent, so that those for `"*"` apply. */
  ownPolicies: boolean;
  judgement: Judgement;
  /** Files that apply, in the order in which they are read. */
  files: ExplainedFile[];
  /** Files of the set that do not apply to the call, and why. */
  others: { file: string; why: string }[];
}

export interface ExplainedFile {
  file: string;
  grants: boolean;
  deny_actions?: { names: string[]; denied: boolean; mode: Mode };
  egress?: { allow: string[]; reachable: boolean; mode: Mode };
  entries: ExplainedEntry[];
  /** Actions that the file lists and the call is not. */
  otherActions: string[];
}

export interface ExplainedEntry {
  name: string;
  rules: ExplainedRule[];
  conditions: ExplainedCondition[];
}

export interface ExplainedRule {
  rule: string;
  kind: Rule["kind"];
  mode: Mode;
  on_violation: "deny" | "approval_needed";
  satisfied: boolean;
  param?: string;
  limit?: Json;
  actual?: Json;
  /** Of `require`: for which calls it holds. */
  when?: Omit<ExplainedCondition, "mode">;
  /** Of `require`: nobody looked at the session. */
  unseen?: boolean;
  /** Of a broken rule. */
  message?: string;
  /** Of a broken rule: people may approve the breach. */
  approvable?: boolean;
}

export interface ExplainedCondition {
  source: string;
  mode: Mode;
  truth: "true" | "false" | "error";
  atoms: { atom: Atom; value: boolean | "error"; values: { left?: Json; right?: Json } }[];
}

interface Raw {
  files: { file: string; denied: boolean; reachable: boolean }[];
  entries: (ExplainedEntry & { file: string })[];
}

/** Asks the policies about a call and has them say why. Throws when they give no answer. */
export async function explain(input: { [name: string]: Json }, judges: Judges): Promise<Explanation> {
  const { policies, engine } = judges;
  const judgement = await rejudge(input, judges);
  const { id, document } = judgement.applied;
  const raw = engine.run(id, document, judgement.input, "countersign/explanation") as Raw;
  return {
    policyVersion: policies.version,
    ownPolicies: policies.documents.has(String(Object(input.agent).id)),
    judgement,
    files: raw.files.map((said) => explainedFile(said, raw, document)),
    others: [...otherTools(raw, document), ...otherAgents(document, judges)],
  };
}

function explainedFile(
  { file, denied, reachable }: Raw["files"][number],
  raw: Raw,
  document: AgentDocument,
): ExplainedFile {
  const written = fileNamed(document, file);
  const { deny_actions: deny, egress } = written;
  const entries = raw.entries.filter((entry) => entry.file === file);
  const named = new Set(entries.map(({ name }) => name));
  return {
    file,
    grants: written.grants,
    ...(deny && { deny_actions: { names: deniedNames(deny), denied, mode: deny.mode } }),
    ...(egress && { egress: { allow: egress.allow.map(({ text }) => text), reachable, mode: egress.mode } }),
    entries: entries.map(explainedEntry),
    otherActions: [...new Set(written.actions.map(({ name }) => name))].filter((name) => !named.has(name)),
  };
}

function fileNamed({ files }: AgentDocument, name: string): FileDocument {
  const found = files.find(({ file }) => file === name);
  if (!found) throw new Error(`the explanation speaks of ${name}, which the policies do not have`);
  return found;
}

function deniedNames({ exact, prefixes }: NonNullable<FileDocument["deny_actions"]>): string[] {
  return [...exact, ...prefixes.map((prefix) => `${prefix}*`)];
}

function explainedEntry({ name, rules, conditions }: ExplainedEntry): ExplainedEntry {
  // An approval that the entry asks for stands in for its environments, and for what says so itself.
  const asked = conditions.some(({ truth }) => truth === "true");
  const withMessage = (rule: ExplainedRule): ExplainedRule => {
    if (rule.satisfied) return rule;
    const approvable = rule.on_violation === "approval_needed" || (asked && rule.rule === "allowed_environments");
    return { ...rule, message: describe(rule).message, approvable };
  };
  return { name, rules: rules.map(withMessage), conditions };
}

function otherTools({ files }: Raw, document: AgentDocument): Explanation["others"] {
  const applying = new Set(files.map(({ file }) => file));
  return document.files
    .filter(({ file }) => !applying.has(file))
    .map(({ file, tools = [] }) => ({ file, why: `it is for ${list("tool", tools)}` }));
}

function otherAgents(document: AgentDocument, { policies }: Judges): Explanation["others"] {
  const own = new Set(document.files.map(({ file }) => file));
  const owners = new Map<string, string[]>();
  for (const [agent, { files }] of policies.documents) {
    for (const { file } of files) if (!own.has(file)) owners.set(file, [...(owners.get(file) ?? []), agent]);
  }
  return [...owners].sort().map(([file, agents]) => ({
    file,
    why: agents.includes("*") ? "it is for agents without a file of their own" : `it is for ${list("agent", agents)}`,
  }));
}

function list(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? "" : "s"} ${names.join(", ")}`;
}

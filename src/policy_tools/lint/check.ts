import type { Catalogue } from "../../decode/catalogue.js";
import type { Located, Path, Problem } from "../../files/located_yaml.js";
import type { ActionDocument, AgentDocument, FileDocument } from "../../policies/document.js";
import type { PolicySet } from "../../policies/policy_set.js";
import type { ActionSource, PolicySource } from "../../policies/schema.js";
import type { Person } from "../../registry/registry.js";

/** Something that is no mistake and still most likely not meant. */
export interface Check {
  level: "warning" | "note";
  find(context: LintContext): Problem[];
}

/** What checks look at. */
export interface LintContext {
  files: readonly LintFile[];
  set: PolicySet;
  /** `null`: nobody said which tools there are. */
  catalogue: Catalogue | null;
  /** `null`: nobody said who there is. */
  people: readonly Person[] | null;
  /** Ids of registered agents. `null`: nobody said which there are. */
  agents: readonly string[] | null;
  /** True when the RE2 pattern takes the text as a whole. */
  matchesWhole(pattern: string, text: string): boolean;
}

/** One policy file, as written and as compiled. */
export interface LintFile {
  source: Located<PolicySource>;
  compiled: FileDocument;
  /** Agents whose calls it judges: those it names, or everybody for a guardrail. */
  agents: readonly string[];
  entries: readonly LintEntry[];
}

/** One entry of `actions`. */
export interface LintEntry {
  source: ActionSource;
  compiled: ActionDocument;
  /** Where it stands in the file. */
  at: Path;
  /** Where the condition stands on which people are asked: its own, or that of the file. */
  asking: Path;
}

/** Pairs what was written with what became of it. */
export function lintFiles(sources: readonly Located<PolicySource>[], set: PolicySet): LintFile[] {
  return sources.map((source) => {
    const applying = [...set.documents].filter(([, document]) => fileOf(document, source.file));
    const compiled = applying[0] && fileOf(applying[0][1], source.file);
    if (!compiled) throw new Error(`${source.file} is no part of the compiled policies`);
    const entries = (source.value.actions ?? []).flatMap((action, index): LintEntry[] => {
      const made = compiled.actions[index];
      const at = ["actions", index];
      const asking = askingPlace(action, at) ?? askingPlace(source.value, []) ?? at;
      return made ? [{ source: action, compiled: made, at, asking }] : [];
    });
    return { source, compiled, agents: applying.map(([agent]) => agent), entries };
  });
}

/** Where a file or an entry says itself when people are asked; `null` where it does not. */
export function askingPlace(
  { approval_needed: needed, approval }: Pick<ActionSource, "approval_needed" | "approval">,
  at: Path,
): Path | null {
  if (needed !== undefined) return [...at, "approval_needed"];
  return approval?.when === undefined ? null : [...at, "approval", "when"];
}

function fileOf({ files }: AgentDocument, name: string): FileDocument | undefined {
  return files.find(({ file }) => file === name);
}

/** A finding for each entry of each file. */
export function forEntries(
  { files }: LintContext,
  find: (entry: LintEntry, file: LintFile, told: (path: Path, message: string) => Problem) => Problem[],
): Problem[] {
  return files.flatMap((file) =>
    file.entries.flatMap((entry) =>
      find(entry, file, (path, message) => file.source.problem([...entry.at, ...path], message)),
    ),
  );
}

/** True for a file that is for every tool that the other one is for. */
export function covers({ tools }: FileDocument, other: LintFile): boolean {
  return !tools || (other.compiled.tools ?? [null]).every((tool) => tool !== null && tools.includes(tool));
}

/** True for files that can judge the same call: they have an agent and a tool in common. */
export function judgeTogether(one: LintFile, other: LintFile): boolean {
  const [tools, others] = [one.compiled.tools, other.compiled.tools];
  const sameTool = !tools || !others || tools.some((tool) => others.includes(tool));
  return sameTool && one.agents.some((agent) => other.agents.includes(agent));
}

/** Where the members of a rule's list stand, in its bare form or in its long one. */
export function members<T>(key: string, rule: { value: readonly T[]; at: readonly string[] } | undefined): [T, Path][] {
  return rule ? rule.value.map((value, index) => [value, [key, ...rule.at, index]]) : [];
}

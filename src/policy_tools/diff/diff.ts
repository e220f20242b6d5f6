import { type AgentDocument, type LimitSet, type RateDocument, toolRateOf } from "../../policies/document.js";
import type { PolicySet } from "../../policies/policy_set.js";
import { byNumber, type Change } from "./change.js";
import { fileChanges } from "./files.js";

/** One difference, and whom it concerns. */
export interface AgentChange extends Change {
  /** `*`: agents that no file names. */
  agents: string[];
}

export interface PolicyDiff {
  before: string;
  after: string;
  /** Every agent that either of them knows. */
  agents: string[];
  /** Empty also when only the program differs, which then judges the same documents. */
  changes: AgentChange[];
}

/** What differs between two policy sets, in words. Compares what was compiled, so spelling does not matter. */
export function diffPolicies(before: PolicySet, after: PolicySet): PolicyDiff {
  const agents = [...new Set([...before.documents.keys(), ...after.documents.keys()])].sort();
  const all = agents.flatMap((agent) => changesOf(agent, before, after).map((change) => ({ agent, change })));
  const together = new Map<string, AgentChange>();
  for (const { agent, change } of all) {
    const key = JSON.stringify(change);
    const known = together.get(key);
    if (known) known.agents.push(agent);
    else together.set(key, { agents: [agent], ...change });
  }
  const changes = [...together.values(), ...regoChanges(before, after, agents)];
  return { before: before.version, after: after.version, agents, changes };
}

function changesOf(agent: string, before: PolicySet, after: PolicySet): Change[] {
  const [was, is] = [before.documentOf(agent).document, after.documentOf(agent).document];
  return [
    ...ownChange(agent, before, after),
    ...modeChange(was, is),
    ...limitChanges(was.limits, is.limits),
    ...patternChanges(was, is),
    ...fileChanges(was.files, is.files),
  ];
}

function ownChange(agent: string, before: PolicySet, after: PolicySet): Change[] {
  const [had, has] = [before.documents.has(agent), after.documents.has(agent)];
  if (had === has) return [];
  const what = has
    ? 'has policies of its own now, in place of those for "*"'
    : 'has no policy of its own any more: those for "*" apply';
  return [{ file: null, action: null, what, effect: "changed" }];
}

function modeChange({ mode: was }: AgentDocument, { mode: is }: AgentDocument): Change[] {
  if (was === is) return [];
  const effect = is === "shadow" ? "looser" : "stricter";
  return [{ file: null, action: null, what: `mode of what no single rule decides: ${was} -> ${is}`, effect }];
}

function limitChanges(was: AgentDocument["limits"], is: AgentDocument["limits"]): Change[] {
  return (["enforced", "shadow"] as const).flatMap((key) =>
    setChanges(was[key] ?? {}, is[key] ?? {}).map(({ what, effect }) => ({
      file: null,
      action: null,
      what: `limits${key === "shadow" ? " in shadow" : ""}: ${what}`,
      effect: key === "shadow" ? ("shadow" as const) : effect,
    })),
  );
}

function setChanges(was: LimitSet, is: LimitSet): Pick<Change, "what" | "effect">[] {
  const tools = [...new Set([was, is].flatMap(({ tools = {} }) => Object.keys(tools)))].sort();
  const parts: Part[] = [
    ...rateParts("", was.rate, is.rate),
    ...tools.flatMap((tool) => rateParts(`tools.${tool}: `, toolRateOf(was, tool), toolRateOf(is, tool))),
    ["daily_budget", micro(was.daily_budget_micro), micro(is.daily_budget_micro), "stricter"],
    ["session_budget", micro(was.session_budget_micro), micro(is.session_budget_micro), "stricter"],
  ];
  return parts.flatMap(([name, old, now, lowerIs]) => {
    if (old === now) return [];
    const what = `${name} ${old ?? "unlimited"} -> ${now ?? "unlimited"}`;
    const effect = old === undefined ? "stricter" : now === undefined ? "looser" : byNumber(old, now, lowerIs);
    return [{ what, effect }];
  });
}

/** Name, before, after, and what a lower number means. */
type Part = readonly [string, number | undefined, number | undefined, "stricter" | "looser"];

function rateParts(of: string, was: RateDocument | undefined, is: RateDocument | undefined): Part[] {
  const seconds = (rate: RateDocument | undefined) => rate && rate.interval_us / 1e6;
  return [
    [`${of}seconds between calls`, seconds(was), seconds(is), "looser"],
    [`${of}burst`, was?.burst, is?.burst, "stricter"],
  ];
}

function micro(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 1_000_000;
}

/** A user's own detector that finds something else. */
function patternChanges({ needs: was }: AgentDocument, { needs: is }: AgentDocument): Change[] {
  return is.patterns.flatMap(({ name, pattern }) => {
    const old = was.patterns.find((one) => one.name === name);
    if (!old || old.pattern === pattern) return [];
    return [{ file: null, action: null, what: `dlp.${name}: pattern ${old.pattern} -> ${pattern}`, effect: "changed" }];
  });
}

/** The users' Rego concerns whoever is bound to it; what it does is not looked into. */
function regoChanges(before: PolicySet, after: PolicySet, all: readonly string[]): AgentChange[] {
  const texts = ({ rego }: PolicySet) => new Map((rego?.sources ?? []).map(({ file, text }) => [file, text]));
  const [old, now] = [texts(before), texts(after)];
  const files = [...new Set([...old.keys(), ...now.keys()])].filter((file) => old.get(file) !== now.get(file));
  const agents = all.filter((agent) => [before, after].some((set) => set.documents.get(agent)?.needs.rego.length));
  return files.sort().map((file) => {
    const what = old.has(file) ? (now.has(file) ? "the Rego differs" : "Rego removed") : "Rego added";
    return { agents, file, action: null, what, effect: "changed" };
  });
}

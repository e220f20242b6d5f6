import { InvalidFile } from "../files/located_yaml.js";
import type { Mode } from "../verdict.js";
import type { Compiled } from "./compile.js";
import type { AgentDocument, FileDocument } from "./document.js";
import { lowestLimits } from "./limits.js";
import { clashingPatterns, needsOf } from "./needs.js";

/** Compiled policies by agent id; `*` is the document of agents that no file names. Agents of the same files share one. */
export type Documents = ReadonlyMap<string, AgentDocument>;

/** The documents of the last set, by the files that they were made of; those of files that go, go with them. */
let lately: ReadonlyMap<string, AgentDocument> = new Map();
/** A number for each compiled file, by which keys can name it. */
const numbers = new WeakMap<Compiled, number>();
let numbered = 0;

/**
 * Puts compiled files together to the documents of agents, some agents a step. Every file that names the agent applies,
 * and every guardrail. Agents of the same files have one document, and it stays the same object while its files do, so
 * what was made of it need not be made again. Throws `InvalidFile` with the mistakes of all files.
 */
export function* joinPolicies(compiled: readonly Compiled[], defaultMode: Mode): Generator<void, Documents> {
  const clashing = clashingPatterns(compiled.map(({ source }) => source));
  const problems = [...clashing, ...compiled.flatMap((file) => file.problems)];
  if (problems.length > 0) throw new InvalidFile(problems);
  yield;

  const naming = yield* filesByAgent(compiled);
  const agents = yield* inOrder(naming);
  yield;
  const guardrails = compiled.flatMap(({ names }, index) => (names === null ? [index] : []));
  const made = new Map<string, AgentDocument>();
  const byFiles = new Map<Files, AgentDocument>();
  const documents = new Map<string, AgentDocument>();
  for (const agent of agents) {
    const files = naming.get(agent) as Files;
    let document = byFiles.get(files);
    if (document === undefined) {
      // In the order of the files, of which guardrails are some.
      const applying = [...files.list, ...guardrails].sort((a, b) => a - b).map((index) => compiled[index] as Compiled);
      const key = `${defaultMode} ${applying.map(numberOf).join(" ")}`;
      document = made.get(key) ?? lately.get(key) ?? documentOf(applying, defaultMode);
      made.set(key, document);
      byFiles.set(files, document);
    }
    documents.set(agent, document);
    yield;
  }
  lately = made;
  return documents;
}

/** Some files, by their place in the list; agents that the same files name have the same object. */
interface Files {
  list: readonly number[];
  /** These and one more, by its place. */
  and: Map<number, Files>;
}

const filesWith = (list: readonly number[]): Files => ({ list, and: new Map() });

/** Which files name an agent; `*` is there also when none does. A file a step. */
function* filesByAgent(compiled: readonly Compiled[]): Generator<void, ReadonlyMap<string, Files>> {
  const everybody = filesWith([]);
  const agents = new Map<string, Files>([["*", everybody]]);
  for (const [index, { names }] of compiled.entries()) {
    for (const name of new Set(names ?? [])) {
      const before = agents.get(name) ?? everybody;
      let files = before.and.get(index);
      if (files === undefined) {
        files = filesWith([...before.list, index]);
        before.and.set(index, files);
      }
      agents.set(name, files);
    }
    yield;
  }
  return agents;
}

/** The agents of the last set in order. To sort a hundred thousand takes longer than any other step, and most changes leave them. */
let lastInOrder: readonly string[] = [];

function* inOrder(naming: ReadonlyMap<string, Files>): Generator<void, readonly string[]> {
  let same = lastInOrder.length === naming.size;
  for (let i = 0; same && i < lastInOrder.length; i++) {
    same = naming.has(lastInOrder[i] as string);
    yield;
  }
  if (!same) lastInOrder = [...naming.keys()].sort();
  return lastInOrder;
}

function numberOf(file: Compiled): number {
  const known = numbers.get(file);
  if (known !== undefined) return known;
  numbered += 1;
  numbers.set(file, numbered);
  return numbered;
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

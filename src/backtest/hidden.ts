import type { Json } from "../call.js";
import type { ActionDocument, AgentDocument, FileDocument, Rule } from "../policies/document.js";
import type { Mode } from "../verdict.js";
import { isHidden, nameOf } from "./place.js";
import { type Reads, readsOfCondition, readsOfRule } from "./reads.js";

/** A rule or condition that cannot be judged again, since the record does not hold what it looks at. */
export interface HiddenFrom {
  mode: Mode;
  /** What is missing, for people: `params.pin is masked`. */
  why: string;
}

export interface Doubts {
  hidden: HiddenFrom[];
  /**
   * The document without everything that cannot be judged. A denial by what is left is sure: what was taken out could
   * only add to it. That is why the environments that an approval may excuse go with the approval.
   */
  rest: AgentDocument;
}

/** What is known of the call beside the masked input. */
export interface Recorded {
  input: { [name: string]: Json };
  /** Detectors whose hits the record holds. */
  detectors: ReadonlySet<string>;
  /** Rules of `require` whose condition is false of the input as it is recorded. */
  notAsked: ReadonlySet<Rule>;
  regoSeesSession: boolean;
}

/** What of a document cannot be judged for a recorded call. */
export function doubtsOf(document: AgentDocument, recorded: Recorded): Doubts {
  const hidden: HiddenFrom[] = [];
  const isClear = (mode: Mode, reads: Reads): boolean => {
    const missing = missingFor(reads, recorded);
    hidden.push(...missing.map((why) => ({ mode, why })));
    return missing.length === 0;
  };
  const beside = { needs: document.needs, regoSeesSession: recorded.regoSeesSession };
  const clear: Clear = {
    rule: (rule) => isSurelyNotAsked(rule, recorded) || isClear(rule.mode, readsOfRule(rule, beside)),
    approval: ({ mode, condition }) => isClear(mode, readsOfCondition(condition)),
  };
  const files = document.files.map((file) => {
    if (!concerns(file, recorded.input)) return file;
    const actions = file.actions.map((action) =>
      action.name === "*" || action.name === recorded.input.action ? clearPart(action, clear) : action,
    );
    return { ...file, actions };
  });
  return { hidden, rest: { ...document, files } };
}

function concerns({ tools }: FileDocument, { tool }: Recorded["input"]): boolean {
  return tools === undefined || (typeof tool === "string" && tools.includes(tool));
}

/** Whether the record holds all that a part looks at. */
interface Clear {
  rule(rule: Rule): boolean;
  approval(approval: NonNullable<ActionDocument["approval"]>): boolean;
}

function clearPart(action: ActionDocument, clear: Clear): ActionDocument {
  const rules = action.rules.filter(clear.rule);
  const { approval, ...rest } = action;
  if (approval === undefined || clear.approval(approval)) return { ...action, rules };
  return { ...rest, rules: rules.filter(({ kind }) => kind !== "environments") };
}

/** The condition is false, and everything that it looks at is there. */
function isSurelyNotAsked(rule: Rule, recorded: Recorded): boolean {
  if (!recorded.notAsked.has(rule) || !("when" in rule) || rule.when === undefined) return false;
  return missingFor(readsOfCondition(rule.when.condition), recorded).length === 0;
}

function missingFor({ places, detectors = [], history = false }: Reads, recorded: Recorded): string[] {
  return [
    ...(history && !Object.hasOwn(recorded.input, "session_attestation") ? ["nobody looked at the session"] : []),
    ...places.filter((place) => isHidden(recorded.input, place)).map((place) => `${nameOf(place)} is masked`),
    ...detectors.filter((name) => !recorded.detectors.has(name)).map((name) => `the call was not searched for ${name}`),
  ];
}

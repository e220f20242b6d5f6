import { isOmitted, type RecordedDecision, type RecordedView } from "../audit/form.js";
import { describe } from "../evaluate/messages.js";
import { letsThrough, type Violation } from "../verdict.js";

/** What became of a call, and what spoke against it. */
export interface Objections {
  /** `would_block`: let through, and refused or held for approval had everything been enforced. */
  fate: "passed" | "would_block" | "blocked";
  /** What the fate rests on; empty for a call that passed. */
  decisive: Violation[];
  /** Of a blocked call: what was broken in shadow beside. Enforcing it would have changed nothing. */
  beside: Violation[];
}

/** Reads one decision. The record holds the finding of every rule, and of those that were acted upon. */
export function objectionsTo(record: RecordedDecision): Objections {
  const { computed, acted } = viewsOf(record);
  if (!letsThrough(record.enforced)) {
    const decisive = blocking(acted, record);
    const rules = new Set(decisive.map(({ rule }) => rule));
    return { fate: "blocked", decisive, beside: findings(computed).filter(({ rule }) => !rules.has(rule)) };
  }
  if (letsThrough(record.decision)) return { fate: "passed", decisive: [], beside: [] };
  const broken = findings(computed);
  // A limit, or a failure, is no finding of the policies and stands only in the reason.
  const explained = broken.some(({ rule }) => rule === record.reason);
  return { fate: "would_block", decisive: explained ? broken : [...broken, byReason(record)], beside: [] };
}

function viewsOf({ opa_decision: asked }: RecordedDecision): { computed?: RecordedView; acted?: RecordedView } {
  if (asked === null || isOmitted(asked.result)) return {};
  return { computed: asked.result.decision, acted: asked.result.enforced };
}

function blocking(acted: RecordedView | undefined, record: RecordedDecision): Violation[] {
  const broken = findings(acted);
  return broken.length > 0 ? broken : [byReason(record)];
}

function findings(view: RecordedView | undefined): Violation[] {
  return view === undefined || letsThrough(view.verdict) ? [] : view.violations.map(describe);
}

function byReason({ reason }: RecordedDecision): Violation {
  return { rule: reason, message: "" };
}

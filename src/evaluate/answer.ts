import type { ApprovalTerms, Escalation } from "../outcome.js";
import type { ActionDocument } from "../policies/document.js";
import type { Reason } from "../reasons.js";
import { letsThrough, type Verdict, type Violation, verdicts } from "../verdict.js";
import { allowed } from "./allowed.js";
import type { AskedChange, Redaction } from "./changes.js";
import type { CostTerm } from "./cost.js";
import { describe, type Finding } from "./messages.js";

/** One reading of the policies, as the policy program gives it. */
export interface ProgramView {
  verdict: Verdict;
  reason: Reason;
  violations: Violation[];
  sanitize: AskedChange[];
  redact: Redaction[];
  /** The call passes only because of the approval it brought, which has to be used up. */
  redeems: boolean;
  /** What people have to decide upon, also where the call brought their approval. */
  asked: Violation[];
  /** Of the approval that the policies demand, also where the call brought it. */
  terms: ApprovalTerms;
}

/** What the policy program answers to one call. */
export interface ProgramAnswer {
  /** As if every rule were enforced. */
  decision: ProgramView;
  /** Without the rules in shadow. */
  enforced: ProgramView;
  /** What the call shows of the data it carries. */
  tags: string[];
  /** What each policy wants the call to cost; empty = as the catalogue says. */
  costs: CostTerm[];
}

/** Reads the program's answer. Throws `TypeError` for anything but a well-formed one. */
export function readAnswer(raw: unknown): ProgramAnswer {
  if (raw === allowed) return readAllowed;
  const { decision, enforced, tags, costs } = Object(raw) as Record<string, unknown>;
  if (!Array.isArray(tags) || !Array.isArray(costs)) throw unknownForm();
  return { decision: readView(decision), enforced: readView(enforced), tags, costs };
}

/** Read once for all calls. */
const allowedView = readView(allowed.decision);
const readAllowed: ProgramAnswer = { decision: allowedView, enforced: allowedView, tags: [], costs: [] };

function readView(raw: unknown): ProgramView {
  const { verdict, reason, violations, sanitize, redact, redeems, terms, asked } = Object(raw) as Record<
    string,
    unknown
  >;
  const lists = [violations, sanitize, redact, terms, asked].every(Array.isArray);
  if (!verdicts.includes(verdict as Verdict) || typeof reason !== "string" || !lists || typeof redeems !== "boolean") {
    throw unknownForm();
  }
  // A call that passes though people were asked passes by their approval, which has to be used up.
  const passesByApproval = letsThrough(verdict as Verdict) && (asked as unknown[]).length > 0;
  if (redeems !== passesByApproval) throw unknownForm();
  return {
    verdict: verdict as Verdict,
    reason: reason as Reason,
    violations: (violations as Finding[]).map(describe),
    sanitize: sanitize as AskedChange[],
    redact: redact as Redaction[],
    redeems,
    asked: (asked as Finding[]).map(describe),
    terms: together(terms as NonNullable<ActionDocument["terms"]>[]),
  };
}

function unknownForm(): TypeError {
  return new TypeError("the policy program answered in an unknown form");
}

type Terms = NonNullable<ActionDocument["terms"]>;

/** The strictest of what several policies say: every list of groups, the largest quorum, the shortest times. */
function together(terms: readonly Terms[]): ApprovalTerms {
  const numbers = (key: "expires_in_ms" | "hold_ms"): number[] =>
    terms.flatMap(({ [key]: value }) => (value === undefined ? [] : [value]));
  const [expires, holds] = [numbers("expires_in_ms"), numbers("hold_ms")];
  const escalation = escalationOf(terms);
  return {
    approvers: lists(terms, ({ approvers }) => approvers),
    quorum: Math.max(1, ...terms.map(({ quorum = 1 }) => quorum)),
    ...(expires.length > 0 && { expiresInMs: Math.min(...expires) }),
    ...(holds.length > 0 && { holdMs: Math.min(...holds) }),
    ...(escalation && { escalation }),
  };
}

/**
 * Once everybody's time is over, each policy's list has the groups that this policy adds. Without a list any approver
 * may answer anyway.
 */
function escalationOf(terms: readonly Terms[]): Escalation | null {
  const all = terms.flatMap(({ escalate }) => (escalate ? [escalate] : []));
  if (all.length === 0) return null;
  return {
    afterMs: Math.max(...all.map(({ after_ms }) => after_ms)),
    to: unique(all.flatMap(({ to }) => to)),
    approvers: lists(terms, ({ approvers, escalate }) => approvers && unique([...approvers, ...(escalate?.to ?? [])])),
  };
}

/** The same list twice asks for nothing more. */
function lists(terms: readonly Terms[], listOf: (terms: Terms) => readonly string[] | undefined) {
  const all = terms.flatMap((one) => {
    const list = listOf(one);
    return list ? [[JSON.stringify(list), list] as const] : [];
  });
  return [...new Map(all).values()];
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

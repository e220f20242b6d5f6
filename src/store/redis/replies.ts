import { z } from "zod";
import type { SessionState } from "../../session.js";
import { decodeApproval } from "../approval_codec.js";
import { withUnbound } from "../sessions.js";
import type { AnswerResult, Approval, ApprovalStatus, LimitOutcome, Look, Marked, SettleResult } from "../store.js";
import { number, text } from "./forms.js";
import { decodeCounters, decodeWarnings } from "./limit_codec.js";
import { decodeSession } from "./session_codec.js";

/** The words that scripts return. The header of each script lists the same ones; a test compares them. */
export const limitCodes = ["ok", "rate_exceeded", "budget_exceeded"] as const;
export const approvalCodes = [
  "none",
  "opened",
  "joined",
  "exceeded",
  "redeemed",
  "not_found",
  "mismatch",
  "not_approved",
  "expired",
  "consumed",
] as const;
export const answerCodes = ["approved", "denied", "recorded", "revoked", "conflict", "expired", "not_found"] as const;
export const statusCodes = ["pending", "approved", "denied", "expired", "consumed"] as const;

const settleReply = z.tuple([
  z.enum(["0", "1"]),
  z.enum(limitCodes),
  text,
  text,
  text,
  z.enum(["", ...limitCodes]),
  text,
  text,
  text,
  z.enum(approvalCodes),
  text,
  text,
  text,
  text,
  number,
  z.array(text),
  z.array(text),
  z.array(text),
  z.array(text),
]);
const markReply = z.union([z.tuple([]), z.tuple([z.enum(["0", "1"]), text])]);
const lookReply = z.tuple([z.array(text), z.enum(["0", "1"]), z.array(z.unknown()), z.array(text)]);
const approvalReply = z.tuple([z.enum(statusCodes), number, number, text], text);
const answerReply = z.tuple([z.enum(answerCodes)], text);

/**
 * What settle-11 says; `createdAtMs` is there when an approval is pending, and `nowMs` is the server's clock. Throws on
 * anything unexpected.
 */
export function parseSettle(
  reply: unknown,
  sessionId: string,
): SettleResult & { createdAtMs: number | null; nowMs: number; own: SessionState | null } {
  const [replayed, code, limit, retry, spent, shadow, shadowLimit, shadowRetry, shadowSpent, ...rest] =
    settleReply.parse(reply);
  const [approval, id, created, expires, frees, nowMs, counters, warnings, session, unbound] = rest;
  const own = decodeSession(session);
  return {
    replayed: replayed === "1",
    session: withUnbound(sessionId, own, decodeSession(unbound)),
    own,
    nowMs,
    enforced: limitOf(code, limit, retry, spent),
    shadow: shadow === "" ? null : limitOf(shadow, shadowLimit, shadowRetry, shadowSpent),
    counters: counters.length === 0 ? null : decodeCounters(nowMs, counters),
    warnings: decodeWarnings(warnings),
    approval: settledApprovalOf(approval, id, expires, frees),
    createdAtMs: created === "" ? null : number.parse(created),
  };
}

/** What mark-1 says; `null` when there is no such approval. Throws on anything unexpected. */
export function parseMark(reply: unknown): Marked | null {
  const [first, value] = markReply.parse(reply);
  return value === undefined ? null : { first: first === "1", value };
}

/** What look-4 says. Throws on anything unexpected. */
export function parseLook(reply: unknown, expected: { id: string; agent: string; session: string }): Look {
  const [session, newTool, approval, unbound] = lookReply.parse(reply);
  return {
    session: withUnbound(expected.session, decodeSession(session), decodeSession(unbound)),
    newTool: newTool === "1",
    approval: parseApproval(approval, expected),
  };
}

function limitOf(code: (typeof limitCodes)[number], limit: string, retry: string, spent: string): LimitOutcome {
  switch (code) {
    case "ok":
      return { outcome: code };
    case "rate_exceeded":
      return { outcome: code, limit: z.enum(["rate", "tool_rate"]).parse(limit), retryAfterMs: number.parse(retry) };
    case "budget_exceeded":
      return {
        outcome: code,
        limit: z.enum(["daily_budget", "session_budget"]).parse(limit),
        retryAfterMs: number.parse(retry),
        spentMicro: number.parse(spent),
      };
    default:
      return code satisfies never;
  }
}

function settledApprovalOf(
  code: (typeof approvalCodes)[number],
  id: string,
  expires: string,
  retry: string,
): SettleResult["approval"] {
  switch (code) {
    case "none":
    case "redeemed":
      return { outcome: code };
    case "opened":
    case "joined":
      return { outcome: "opened", fresh: code === "opened", id, expiresAtMs: number.parse(expires) };
    case "exceeded":
      return { outcome: code, retryAfterMs: number.parse(retry) };
    default:
      return { outcome: "refused", why: code };
  }
}

/** An approval that is not what this program writes. The message holds nothing of it. */
export class UnreadableApproval extends Error {
  override readonly name = "UnreadableApproval";
}

/**
 * What approval-1 says; `null` when unknown. Throws `UnreadableApproval` on anything unexpected, an approval of other
 * names included.
 */
export function parseApproval(reply: unknown, expected: { id: string; agent: string }): Approval | null {
  if (Array.isArray(reply) && reply.length === 0) return null;
  const approval = decoded(reply);
  if (approval === null) throw new UnreadableApproval("the approval has another form");
  if (approval.id !== expected.id || approval.agent !== expected.agent) {
    throw new UnreadableApproval("the approval is another one");
  }
  return approval;
}

function decoded(reply: unknown): Approval | null {
  const parsed = approvalReply.safeParse(reply);
  if (!parsed.success) return null;
  const [status, createdAtMs, expiresAtMs, draft, ...answers] = parsed.data;
  try {
    return decodeApproval({ status: status satisfies ApprovalStatus, createdAtMs, expiresAtMs, draft, answers });
  } catch {
    return null;
  }
}

/** What answer-3 says. Throws on anything unexpected. */
export function parseAnswer(reply: unknown, expected: { id: string; agent: string }): AnswerResult {
  const [outcome, ...approval] = answerReply.parse(reply);
  return { outcome, approval: parseApproval(approval, expected) };
}

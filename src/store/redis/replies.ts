import { z } from "zod";
import type { SessionState } from "../../session.js";
import { decodeApproval } from "../approval_codec.js";
import { withUnbound } from "../sessions.js";
import type { AnswerResult, Approval, ApprovalStatus, LimitOutcome, Look, Marked, SettleResult } from "../store.js";
import { listIn, number, numberIn, text, textIn, textsIn, wordIn, writtenTextsIn } from "./forms.js";
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

const markReply = z.union([z.tuple([]), z.tuple([z.enum(["0", "1"]), text])]);
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
  const [kept, once] = textsIn(reply, 2);
  const [first, code, limit, retry, spent, shadow, shadowLimit, shadowRetry, shadowSpent, ...asked] = textsIn(
    JSON.parse(textIn(kept)),
    14,
  );
  wordIn(["0"], first);
  const [approval, id, created, expires, frees] = asked;
  const [replayed, now, counters, warnings, session, unbound] = listIn(JSON.parse(textIn(once)), 6);
  const nowMs = numberIn(now);
  const own = decodeSession(writtenTextsIn(session));
  const counted = writtenTextsIn(counters);
  return {
    replayed: wordIn(["0", "1"], replayed) === "1",
    session: withUnbound(sessionId, own, decodeSession(writtenTextsIn(unbound))),
    own,
    nowMs,
    enforced: limitOf(wordIn(limitCodes, code), limit, retry, spent),
    shadow: shadow === "" ? null : limitOf(wordIn(limitCodes, shadow), shadowLimit, shadowRetry, shadowSpent),
    counters: counted.length === 0 ? null : decodeCounters(nowMs, counted),
    warnings: decodeWarnings(writtenTextsIn(warnings)),
    approval: settledApprovalOf(wordIn(approvalCodes, approval), textIn(id), expires, frees),
    createdAtMs: created === "" ? null : numberIn(created),
  };
}

/** Member by member: to leave some of them out costs several times as much. */
export function settledOf(parsed: SettleResult): SettleResult {
  const { replayed, session, enforced, shadow, counters, warnings, approval } = parsed;
  return { replayed, session, enforced, shadow, counters, warnings, approval };
}

/** What mark-1 says; `null` when there is no such approval. Throws on anything unexpected. */
export function parseMark(reply: unknown): Marked | null {
  const [first, value] = markReply.parse(reply);
  return value === undefined ? null : { first: first === "1", value };
}

/** What look-4 says. Throws on anything unexpected. */
export function parseLook(reply: unknown, expected: { id: string; agent: string; session: string }): Look {
  const [session, newTool, approval, unbound] = listIn(reply, 4);
  return {
    session: withUnbound(expected.session, decodeSession(textsIn(session)), decodeSession(textsIn(unbound))),
    newTool: wordIn(["0", "1"], newTool) === "1",
    approval: parseApproval(listIn(approval), expected),
  };
}

function limitOf(code: (typeof limitCodes)[number], limit: unknown, retry: unknown, spent: unknown): LimitOutcome {
  switch (code) {
    case "ok":
      return { outcome: code };
    case "rate_exceeded":
      return { outcome: code, limit: wordIn(["rate", "tool_rate"], limit), retryAfterMs: numberIn(retry) };
    case "budget_exceeded":
      return {
        outcome: code,
        limit: wordIn(["daily_budget", "session_budget"], limit),
        retryAfterMs: numberIn(retry),
        spentMicro: numberIn(spent),
      };
    default:
      return code satisfies never;
  }
}

function settledApprovalOf(
  code: (typeof approvalCodes)[number],
  id: string,
  expires: unknown,
  retry: unknown,
): SettleResult["approval"] {
  switch (code) {
    case "none":
    case "redeemed":
      return { outcome: code };
    case "opened":
    case "joined":
      return { outcome: "opened", fresh: code === "opened", id, expiresAtMs: numberIn(expires) };
    case "exceeded":
      return { outcome: code, retryAfterMs: numberIn(retry) };
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

import { z } from "zod";
import { encodeAnswer } from "../approval_codec.js";
import { maxExpiresInMs } from "../check.js";
import { type AnswerResult, type Approval, type ApprovalAnswer, approvalRetentionMs } from "../store.js";
import type { Commands } from "./commands.js";
import { indexEntry, type Keys } from "./keys.js";
import { parseAnswer, parseApproval } from "./replies.js";
import { scripts } from "./scripts.js";
import type { Step } from "./steps.js";

const locatorForm = z.tuple([z.string().min(1), z.string().min(1)]);

/** An approval that was just opened, or found to be open. */
export interface Opened {
  id: string;
  agent: string;
  /** `questionOf` the draft. */
  question: string;
  createdAtMs: number;
  expiresAtMs: number;
}

/**
 * Makes an opened approval findable by its id and in the lists. Most of it lies outside the agent's hash slot, so it
 * cannot be part of the script; when it fails the call fails, and the repeated call joins the approval and comes here
 * again.
 */
export async function index(redis: Commands, keys: Keys, opened: Opened): Promise<void> {
  const { id, agent, question, createdAtMs, expiresAtMs } = opened;
  const longestMs = maxExpiresInMs + approvalRetentionMs;
  const replies = await Promise.all([
    redis.set(keys.locator(id), JSON.stringify([agent, question]), "PXAT", expiresAtMs + approvalRetentionMs),
    ...[keys.index, keys.indexOf(agent)].map((list) =>
      scripts.listEntry.run(redis, [list], [createdAtMs, indexEntry(agent, id), longestMs]),
    ),
    scripts.pendingEntry.run(redis, [keys.pendingIndex], [expiresAtMs, indexEntry(agent, id)]),
  ]);
  if (replies[0] !== "OK") throw new Error("the approval could not be indexed");
}

export async function read(redis: Commands, keys: Keys, id: string): Promise<Approval | null> {
  const found = await locate(redis, keys, id);
  return found && readOf(redis, keys, found.agent, id);
}

/** `null` also when the approval is another agent's. */
export async function readOf(redis: Commands, keys: Keys, agent: string, id: string): Promise<Approval | null> {
  return parseApproval(await scripts.approval.run(redis, [keys.approval(agent, id)], []), { id, agent });
}

export async function answer(redis: Commands, keys: Keys, id: string, given: ApprovalAnswer): Promise<AnswerResult> {
  const found = await locate(redis, keys, id);
  if (!found) return { outcome: "not_found", approval: null };
  const { agent, question } = found;
  const reply = await scripts.answer.run(
    redis,
    [keys.approval(agent, id), keys.pending(agent, question), keys.waiting(agent)],
    [given.approver, given.decision, encodeAnswer(given), id],
  );
  return parseAnswer(reply, { id, agent });
}

/**
 * Takes an approval that is no longer pending off the list across agents. Never rejects: the answer holds without it, and
 * a list leaves out what is not pending.
 */
export async function unlist(step: Step, keys: Keys, { approval }: AnswerResult): Promise<void> {
  if (approval === null || approval.status === "pending") return;
  const entry = indexEntry(approval.agent, approval.id);
  await step((redis) => redis.zrem(keys.pendingIndex, entry)).catch(() => {});
}

async function locate(redis: Commands, keys: Keys, id: string): Promise<{ agent: string; question: string } | null> {
  const text = await redis.get(keys.locator(id));
  if (text === null) return null;
  const [agent, question] = locatorForm.parse(JSON.parse(text));
  return { agent, question };
}

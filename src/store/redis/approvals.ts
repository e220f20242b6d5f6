import type { Redis } from "ioredis";
import { z } from "zod";
import { encodeAnswer } from "../approval_codec.js";
import { maxExpiresInMs } from "../check.js";
import {
  type AnswerResult,
  type Approval,
  type ApprovalAnswer,
  type ApprovalStatus,
  approvalRetentionMs,
} from "../store.js";
import type { Keys } from "./keys.js";
import { parseAnswer, parseApproval } from "./replies.js";
import { scripts } from "./scripts.js";

const locatorForm = z.tuple([z.string().min(1), z.string().min(1)]);
/** Approvals looked at in one go when listing. */
const pageSize = 200;

/** An approval that was just opened, or found to be open. */
export interface Opened {
  id: string;
  agent: string;
  fingerprint: string;
  createdAtMs: number;
  expiresAtMs: number;
}

/**
 * Makes an opened approval findable by its id and in the list. It lies outside the agent's hash slot, so it cannot be
 * part of the script; when it fails the call fails, and the repeated call joins the approval and comes here again.
 */
export async function index(redis: Redis, keys: Keys, opened: Opened): Promise<void> {
  const { id, agent, fingerprint, createdAtMs, expiresAtMs } = opened;
  const longestMs = maxExpiresInMs + approvalRetentionMs;
  const replies = await Promise.all([
    redis.set(keys.locator(id), JSON.stringify([agent, fingerprint]), "PXAT", expiresAtMs + approvalRetentionMs),
    redis.zadd(keys.index, createdAtMs, id),
    redis.zremrangebyscore(keys.index, "-inf", createdAtMs - longestMs),
    redis.pexpire(keys.index, longestMs),
  ]);
  if (replies[0] !== "OK") throw new Error("the approval could not be indexed");
}

export async function read(redis: Redis, keys: Keys, id: string): Promise<Approval | null> {
  const found = await locate(redis, keys, id);
  return found && readAt(redis, keys, id, found.agent);
}

export async function answer(redis: Redis, keys: Keys, id: string, given: ApprovalAnswer): Promise<AnswerResult> {
  const found = await locate(redis, keys, id);
  if (!found) return { outcome: "not_found", approval: null };
  const { agent, fingerprint } = found;
  const reply = await scripts.answer.run(
    redis,
    [keys.approval(agent, id), keys.pending(agent, fingerprint)],
    [given.approver, given.decision, encodeAnswer(given)],
  );
  return parseAnswer(reply, { id, agent });
}

/** Newest first. Ids whose approval is gone are dropped from the index on the way. */
export async function list(
  redis: Redis,
  keys: Keys,
  filter: { status?: ApprovalStatus; agent?: string; limit: number },
): Promise<Approval[]> {
  const found = new Map<string, Approval>();
  const gone: string[] = [];
  for (let start = 0; found.size < filter.limit; start += pageSize) {
    const ids = await redis.zrevrange(keys.index, start, start + pageSize - 1);
    for (const { id, approval } of await Promise.all(ids.map((id) => readIf(redis, keys, id, filter.agent)))) {
      if (approval === null) gone.push(id);
      else if (approval !== "other" && (filter.status === undefined || approval.status === filter.status)) {
        found.set(id, approval);
      }
    }
    if (ids.length < pageSize) break;
  }
  if (gone.length > 0) await redis.zrem(keys.index, ...gone);
  return [...found.values()].slice(0, filter.limit);
}

/** `other` for an approval of another agent than the one asked for: it need not be read. */
async function readIf(
  redis: Redis,
  keys: Keys,
  id: string,
  agent: string | undefined,
): Promise<{ id: string; approval: Approval | "other" | null }> {
  const found = await locate(redis, keys, id);
  if (!found) return { id, approval: null };
  if (agent !== undefined && found.agent !== agent) return { id, approval: "other" };
  return { id, approval: await readAt(redis, keys, id, found.agent) };
}

async function readAt(redis: Redis, keys: Keys, id: string, agent: string): Promise<Approval | null> {
  return parseApproval(await scripts.approval.run(redis, [keys.approval(agent, id)], []), { id, agent });
}

async function locate(redis: Redis, keys: Keys, id: string): Promise<{ agent: string; fingerprint: string } | null> {
  const text = await redis.get(keys.locator(id));
  if (text === null) return null;
  const [agent, fingerprint] = locatorForm.parse(JSON.parse(text));
  return { agent, fingerprint };
}

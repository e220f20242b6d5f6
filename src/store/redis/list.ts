import type { Redis } from "ioredis";
import { type Approval, type ApprovalFilter, type ApprovalStatus, maxScanned, StoreUnavailable } from "../store.js";
import { readOf } from "./approvals.js";
import type { Connection } from "./connection.js";
import { type IndexEntry, type Keys, parseIndexEntry } from "./keys.js";
import { statusCodes, UnreadableApproval } from "./replies.js";

/** Entries of the index looked at in one go, and approvals read in one go: drafts can be large. */
const pageSize = 500;
const readSize = 50;

/** What became of the entries of one page. */
interface Page {
  entries: number;
  approvals: Approval[];
  /** Entries whose approval is gone. */
  gone: string[];
  unreadable: Error[];
}

/**
 * Newest first. Each page is a step of its own with what is left of the wait, so that other calls go on in between and
 * nothing goes on after it. Entries whose approval is gone are dropped from the index on the way.
 */
export async function list(
  connection: Connection,
  keys: Keys,
  filter: ApprovalFilter,
  onTrouble: (error: Error) => void,
): Promise<Approval[]> {
  const index = filter.agent === undefined ? keys.index : keys.indexOf(filter.agent);
  const step = steps(connection);
  const nowMs = await step(clockMs);
  const found = new Map<string, Approval>();
  const gone: string[] = [];
  const unreadable: Error[] = [];
  for (let start = 0; start < maxScanned && found.size < filter.limit; start += pageSize) {
    const wanted = { ...filter, limit: filter.limit - found.size };
    const page = await step((redis) => readPage(redis, keys, { index, start, nowMs }, wanted));
    for (const approval of page.approvals) found.set(approval.id, approval);
    gone.push(...page.gone);
    unreadable.push(...page.unreadable);
    if (page.entries < pageSize) break;
  }
  if (gone.length > 0) await step((redis) => redis.zrem(index, ...gone));
  const [first] = unreadable;
  if (first) onTrouble(new Error(`${unreadable.length} approvals are left out of a list: ${first.message}`));
  return [...found.values()].slice(0, filter.limit);
}

/** Runs one piece of work after the other, all of them within one wait. */
function steps(connection: Connection): <T>(work: (redis: Redis) => Promise<T>) => Promise<T> {
  const began = performance.now();
  return (work) => {
    const leftMs = Math.floor(connection.waitMs - (performance.now() - began));
    if (leftMs < 1) return Promise.reject(new StoreUnavailable(`no whole list within ${connection.waitMs} ms`));
    return connection.run(work, leftMs);
  };
}

async function readPage(
  redis: Redis,
  keys: Keys,
  { index, start, nowMs }: { index: string; start: number; nowMs: number },
  filter: ApprovalFilter,
): Promise<Page> {
  const members = await redis.zrevrange(index, start, Math.min(start + pageSize, maxScanned) - 1);
  const page: Page = { entries: members.length, approvals: [], gone: [], unreadable: [] };
  const candidates: IndexEntry[] = [];
  for (const { member, entry, status } of await statuses(redis, keys, members, nowMs)) {
    if (status === "gone") page.gone.push(member);
    else if (entry === null || status === "unreadable") page.unreadable.push(new UnreadableApproval("an unknown form"));
    else if (filter.status === undefined || status === filter.status) candidates.push(entry);
  }
  while (candidates.length > 0 && page.approvals.length < filter.limit) {
    const some = candidates.splice(0, Math.min(readSize, filter.limit - page.approvals.length));
    for (const read of await Promise.all(some.map((entry) => readEntry(redis, keys, entry)))) {
      if (read instanceof Error) page.unreadable.push(read);
      // It may have changed since its status was looked at.
      else if (read && (filter.status === undefined || read.status === filter.status)) page.approvals.push(read);
    }
  }
  return page;
}

interface Looked {
  member: string;
  entry: IndexEntry | null;
  status: ApprovalStatus | "gone" | "unreadable";
}

/** The status alone, so that approvals that are not asked for are not read. */
async function statuses(redis: Redis, keys: Keys, members: readonly string[], nowMs: number): Promise<Looked[]> {
  const entries = members.map((member) => ({ member, entry: parseIndexEntry(member) }));
  const pipeline = redis.pipeline();
  for (const { entry } of entries) {
    if (entry) pipeline.hmget(keys.approval(entry.agent, entry.id), "status", "expires_ms");
  }
  const replies = (await pipeline.exec())?.values();
  return entries.map(({ member, entry }) => {
    if (entry === null) return { member, entry, status: "unreadable" };
    const [error, head] = replies?.next().value ?? [new Error("a reply is missing"), null];
    if (error && !isAboutData(error)) throw error;
    return { member, entry, status: error ? "unreadable" : statusAt(head, nowMs) };
  });
}

/** As `status_at` of the scripts. */
function statusAt(head: unknown, nowMs: number): Looked["status"] {
  const [written, expires] = Array.isArray(head) ? head : [];
  if (written === null) return "gone";
  const status = statusCodes.find((code) => code === written);
  if (status === undefined || !/^\d{1,16}$/.test(String(expires))) return "unreadable";
  return (status === "pending" || status === "approved") && nowMs >= Number(expires) ? "expired" : status;
}

async function readEntry(redis: Redis, keys: Keys, { agent, id }: IndexEntry): Promise<Approval | Error | null> {
  try {
    return await readOf(redis, keys, agent, id);
  } catch (error) {
    if (isAboutData(error)) return error;
    throw error;
  }
}

/** True for errors of one key; any other is about the server, which then cannot give the list. */
function isAboutData(error: unknown): error is Error {
  if (error instanceof UnreadableApproval) return true;
  return error instanceof Error && error.name === "ReplyError" && /^(ERR|WRONGTYPE) /.test(error.message);
}

async function clockMs(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

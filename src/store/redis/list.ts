import { type Approval, type ApprovalFilter, type ApprovalStatus, maxScanned } from "../store.js";
import type { Commands, Connected } from "./commands.js";
import { type IndexEntry, type Keys, parseIndexEntry } from "./keys.js";
import { listPending } from "./list_pending.js";
import { isAboutData, readEntry, readSize, tellUnreadable } from "./list_reads.js";
import { statusCodes, UnreadableApproval } from "./replies.js";
import { scripts } from "./scripts.js";
import { steps } from "./steps.js";

/** Entries of the index looked at in one go. */
const pageSize = 500;

/** What became of the entries of one page. */
interface Page {
  entries: number;
  approvals: Approval[];
  /** Entries whose approval is gone. */
  gone: string[];
  unreadable: Error[];
}

/** As `Store.approvals` says. */
export function list(
  connection: Connected,
  keys: Keys,
  filter: ApprovalFilter,
  onTrouble: (error: Error) => void,
): Promise<Approval[]> {
  return (filter.status === "pending" ? listPending : listNewest)(connection, keys, filter, onTrouble);
}

/**
 * Newest first. Each page is a step of its own with what is left of the wait, so that other calls go on in between and
 * nothing goes on after it. Entries whose approval is gone are dropped from the index on the way.
 */
async function listNewest(
  connection: Connected,
  keys: Keys,
  filter: ApprovalFilter,
  onTrouble: (error: Error) => void,
): Promise<Approval[]> {
  const index = filter.agent === undefined ? keys.index : keys.indexOf(filter.agent);
  const step = steps(connection);
  const found = new Map<string, Approval>();
  const gone: string[] = [];
  const unreadable: Error[] = [];
  for (let start = 0; start < maxScanned && found.size < filter.limit; start += pageSize) {
    const wanted = { ...filter, limit: filter.limit - found.size };
    const page = await step((redis) => readPage(redis, keys, { index, start }, wanted));
    for (const approval of page.approvals) found.set(approval.id, approval);
    gone.push(...page.gone);
    unreadable.push(...page.unreadable);
    if (page.entries < pageSize) break;
  }
  if (gone.length > 0) await step((redis) => redis.zrem(index, ...gone));
  tellUnreadable(unreadable, onTrouble);
  return [...found.values()].slice(0, filter.limit);
}

async function readPage(
  redis: Commands,
  keys: Keys,
  { index, start }: { index: string; start: number },
  filter: ApprovalFilter,
): Promise<Page> {
  const members = await redis.zrevrange(index, start, Math.min(start + pageSize, maxScanned) - 1);
  const page: Page = { entries: members.length, approvals: [], gone: [], unreadable: [] };
  const candidates: IndexEntry[] = [];
  const looked = await Promise.all(members.map((member) => lookAt(redis, keys, member)));
  for (const { member, entry, status } of looked) {
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

/** The status alone, so that approvals that are not asked for are not read. Each is as of the clock that wrote it. */
async function lookAt(redis: Commands, keys: Keys, member: string): Promise<Looked> {
  const entry = parseIndexEntry(member);
  if (entry === null) return { member, entry, status: "unreadable" };
  try {
    const found = await scripts.status.run(redis, [keys.approval(entry.agent, entry.id)], []);
    const status = found === null ? "gone" : (statusCodes.find((code) => code === found) ?? "unreadable");
    return { member, entry, status };
  } catch (error) {
    if (isAboutData(error)) return { member, entry, status: "unreadable" };
    throw error;
  }
}

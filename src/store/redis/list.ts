import { type Approval, type ApprovalFilter, type ApprovalStatus, maxScanned, StoreUnavailable } from "../store.js";
import { readOf } from "./approvals.js";
import { type Commands, type Connected, isReply } from "./commands.js";
import { type IndexEntry, type Keys, parseIndexEntry } from "./keys.js";
import { statusCodes, UnreadableApproval } from "./replies.js";
import { scripts } from "./scripts.js";

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
  const [first] = unreadable;
  if (first) onTrouble(new Error(`${unreadable.length} approvals are left out of a list: ${first.message}`));
  return [...found.values()].slice(0, filter.limit);
}

/** Runs one piece of work after the other, all of them within one wait. */
function steps(connection: Connected): <T>(work: (redis: Commands) => Promise<T>) => Promise<T> {
  const began = performance.now();
  return (work) => {
    const leftMs = Math.floor(connection.waitMs - (performance.now() - began));
    if (leftMs < 1) return Promise.reject(new StoreUnavailable(`no whole list within ${connection.waitMs} ms`));
    return connection.run(work, leftMs);
  };
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

async function readEntry(redis: Commands, keys: Keys, { agent, id }: IndexEntry): Promise<Approval | Error | null> {
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
  return isReply(error) && /^(ERR|WRONGTYPE) /.test(error.message);
}

import type { Approval } from "../store.js";
import { readOf } from "./approvals.js";
import { type Commands, isReply } from "./commands.js";
import type { IndexEntry, Keys } from "./keys.js";
import { UnreadableApproval } from "./replies.js";

/** Approvals read in one go: drafts can be large. */
export const readSize = 50;

/** `null` when it is gone; an error when it cannot be read, which others can all the same. */
export async function readEntry(
  redis: Commands,
  keys: Keys,
  { agent, id }: IndexEntry,
): Promise<Approval | Error | null> {
  try {
    return await readOf(redis, keys, agent, id);
  } catch (error) {
    if (isAboutData(error)) return error;
    throw error;
  }
}

/** True for errors of one key; any other is about the server, which then cannot give the list. */
export function isAboutData(error: unknown): error is Error {
  if (error instanceof UnreadableApproval) return true;
  return isReply(error) && /^(ERR|WRONGTYPE) /.test(error.message);
}

export function tellUnreadable(unreadable: readonly Error[], onTrouble: (error: Error) => void): void {
  const [first] = unreadable;
  if (first) onTrouble(new Error(`${unreadable.length} approvals are left out of a list: ${first.message}`));
}

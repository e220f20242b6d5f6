import { detailOf } from "../bundle/error.js";
import type { Program } from "../policies/program.js";
import { type Asked, type Rollback, readAsked, writeAsked } from "./asked.js";
import { HistoryError } from "./error.js";
import { readEvents } from "./events.js";
import { openVersion } from "./versions.js";

/** Who asks for something, when, and why. */
export interface Asking {
  /** RFC 3339. */
  at: string;
  by: string;
  reason: string | null;
}

/** What is so when a roll-back is asked for. */
export interface Standing {
  /** The version in force. */
  current: string;
  /** What the policy files say, in force or not. */
  files: string;
}

/**
 * What is so as far as the folder tells, for whoever has no server to ask. `files` is what the policy files say now;
 * `null` when they cannot be used. Throws `HistoryError` when nothing is known of them.
 */
export async function standingIn(dir: string, files: string | null): Promise<Standing> {
  const asked = await readAsked(dir);
  const rollback = asked?.event === "rolled_back" ? asked : null;
  const last = (await readEvents(dir)).find(({ event }) => event !== "rolled_back");
  const said = files ?? rollback?.instead_of ?? last?.version;
  if (said === undefined) {
    throw new HistoryError("policies_unknown", "the policies cannot be used, and no server has had any before them");
  }
  return { current: rollback?.instead_of === said ? rollback.version : said, files: said };
}

/** Longest reason, in characters. */
export const maxReason = 500;

/**
 * Asks for going back to a version that is kept, named whole or by its beginning. Gives what was asked for; servers
 * follow at their next look. Throws `HistoryError`, also when that version could not be used.
 */
export async function askRollback(
  dir: string,
  version: string,
  { current, files }: Standing,
  { at, by, reason }: Asking,
  program: Program,
): Promise<Rollback> {
  const set = await openVersion(dir, version, program);
  if (set.version === current) throw new HistoryError("already_in_force", `${set.version} is in force already`);
  const asked = {
    event: "rolled_back",
    version: set.version,
    instead_of: files,
    program: program.sha256,
    at,
    by,
    reason,
  } as const;
  await write(dir, asked);
  return asked;
}

/**
 * Asks for what the policy files say, in place of the roll-back that was asked for or is known to be in force. Throws
 * `HistoryError` when there is none.
 */
export async function askRelease(dir: string, inForce: Rollback | null, { at, by, reason }: Asking): Promise<void> {
  // What cannot be read is replaced: that is the way out of it.
  const asked = await readAsked(dir).catch(() => undefined);
  if (!inForce && (asked === null || asked?.event === "released")) {
    throw new HistoryError("not_rolled_back", "the policies are not rolled back");
  }
  await write(dir, { event: "released", at, by, reason });
}

async function write(dir: string, asked: Asked): Promise<void> {
  try {
    await writeAsked(dir, asked);
  } catch (cause) {
    const code = detailOf(cause, "code") ?? cause;
    throw new HistoryError("history_unavailable", `the folder of the policy history cannot be written to (${code})`);
  }
}

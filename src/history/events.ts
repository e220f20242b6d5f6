import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { giveToOwner, isMissing, makeFolder, openRegular } from "./place.js";

/**
 * Why a version came into force: the policy files (or the bundle) say so, people went back to it, or they ended that
 * and what the files say holds again.
 */
export const policyEvents = ["loaded", "rolled_back", "released"] as const;
export type PolicyEvent = (typeof policyEvents)[number];

const eventSchema = z.object({
  version: z.string(),
  /** RFC 3339. */
  at: z.iso.datetime(),
  event: z.enum(policyEvents),
  /** Base names of the policy files. */
  files: z.array(z.string()),
  /** Who asked for it; absent when nobody had to. */
  by: z.string().exactOptional(),
  /** The version that was in force before; `null` at the start of a server. */
  previous: z.string().nullable(),
});

/** One line of the history. */
export type HistoryEvent = z.output<typeof eventSchema>;

const file = "history.jsonl";
/** Of a history that grew for years only the end is read. */
const readBytes = 1024 * 1024;

/** Appends one line. A line that somebody left without its end is ended first, so that it does not spoil this one. */
export async function appendEvent(dir: string, event: HistoryEvent): Promise<void> {
  await makeFolder(dir);
  const handle = await openRegular(join(dir, file), constants.O_RDWR | constants.O_APPEND | constants.O_CREAT);
  try {
    await giveToOwner(handle, dir);
    const line = `${JSON.stringify(event)}\n`;
    await handle.appendFile((await endsInLine(handle)) ? line : `\n${line}`);
  } finally {
    await handle.close();
  }
}

/**
 * What happened, newest first. Lines that are torn or of another form are passed over. Their texts are as somebody wrote
 * them, control characters included.
 */
export async function readEvents(dir: string): Promise<HistoryEvent[]> {
  let handle: FileHandle;
  try {
    handle = await openRegular(join(dir, file), constants.O_RDONLY);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  try {
    return linesOf(await tailOf(handle))
      .flatMap(eventOf)
      .reverse();
  } finally {
    await handle.close();
  }
}

async function endsInLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

async function tailOf(handle: FileHandle): Promise<string> {
  const { size } = await handle.stat();
  const start = Math.max(0, size - readBytes);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.toString("utf8", 0, bytesRead);
}

/** The first of them may be a part of one, and the last may be under way; neither is of the form. */
function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function eventOf(line: string): HistoryEvent[] {
  try {
    const { data } = eventSchema.safeParse(JSON.parse(line));
    return data ? [data] : [];
  } catch {
    return [];
  }
}

import { z } from "zod";
import type { Store } from "../store/store.js";
import type { Posted } from "./slack_client.js";

/** Under which an approval's message is noted in the store. */
const markName = "slack";
const tooLateName = "slack:too_late";

const posted = z.strictObject({ channel: z.string(), ts: z.string() });

/** An approval, as the store finds it. */
export interface Of {
  id: string;
  agent: string;
}

/** Where the message about an approval is; `null` when there is none, or none that can be told. */
export async function placeOf(store: Pick<Store, "marked">, of: Of): Promise<Posted | null> {
  return read(await store.marked(of, markName));
}

/** Notes where the message is, and says where it is for everybody: somebody else may have been first. */
export async function notePlace(store: Pick<Store, "mark">, of: Of, place: Posted): Promise<Posted | null> {
  return read((await store.mark(of, markName, JSON.stringify(place)))?.value ?? null);
}

/** Notes that the approval was over before there was a message about it. */
export async function noteTooLate(store: Pick<Store, "mark">, of: Of): Promise<void> {
  await store.mark(of, tooLateName, "closed");
}

export async function isTooLate(store: Pick<Store, "marked">, of: Of): Promise<boolean> {
  return (await store.marked(of, tooLateName)) !== null;
}

export function samePlace(one: Posted | null, other: Posted): boolean {
  return one !== null && one.channel === other.channel && one.ts === other.ts;
}

function read(value: string | null): Posted | null {
  try {
    return value === null ? null : (posted.safeParse(JSON.parse(value)).data ?? null);
  } catch {
    return null;
  }
}

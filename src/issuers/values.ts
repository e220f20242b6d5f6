import { z } from "zod";
import type { Json } from "../call.js";

/** An id: visible ASCII, since it stands in headers, keys and logs. */
export const visible = z.string().regex(/^[!-~]{1,128}$/);

/** A word or name that people read. Control and format characters could make it look like another one. */
export const readable = z.string().regex(/^[^\p{Cc}\p{Cf}]{1,256}$/u);

/** Longer than other texts: images are named by repository and digest. */
export const taskTexts = z
  .array(z.string().regex(/^[^\p{Cc}\p{Cf}]{1,512}$/u))
  .min(1)
  .max(64);

/** A restriction that is not known here must not get lost, so there are no other members. */
export const taskForm = z.strictObject({
  service: taskTexts.optional(),
  environment: taskTexts.optional(),
  image: taskTexts.optional(),
});

/** Claims of a token as they were read, before anything is known of them. */
export type Claims = Readonly<Record<string, Json>>;

/** A copy without the members that are `undefined`. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

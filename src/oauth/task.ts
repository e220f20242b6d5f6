import { z } from "zod";
import { canonicalJson } from "../canonical.js";
import { taskForm, taskTexts } from "../issuers/values.js";
import { readJsonObject } from "../json/strict.js";
import { Refusal } from "../refusal.js";
import type { Task } from "../session.js";
import { OAuthError } from "./error.js";

/** `type` of the one kind of authorization details there is (RFC 9396 section 2). */
export const taskType = "countersign_task";

/** Longest `authorization_details`, in characters: with it the token stays short enough to be accepted. */
const maxLength = 2_048;

const parts = ["service", "environment", "image"] as const satisfies readonly (keyof Task)[];

const values = z
  .union([z.string().transform((one) => [one]), z.array(z.string())], { error: "write a text or a list of texts" })
  .refine((all) => taskTexts.safeParse(all).success, "must be 1 to 64 texts of 1 to 512 characters, none a control one")
  .optional();
const asking = z.strictObject({
  type: z.literal(taskType, { error: `must be ${taskType}` }),
  service: values,
  environment: values,
  image: values,
});
const details = z.tuple([asking], { error: "must be a list of exactly one object" });

/** What `authorization_details` asks for, `null` without it. Throws `OAuthError` `invalid_authorization_details`. */
export function askedTask(text: string | undefined): Task | null {
  if (text === undefined) return null;
  if (text.length > maxLength) throw refuse(`must have at most ${maxLength} characters`);
  const parsed = details.safeParse(readList(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.slice(1).join(".") ?? "";
    throw refuse(`${place === "" ? "" : `${place}: `}${issue?.message ?? "not valid"}`);
  }
  const [{ type: _, ...asked }] = parsed.data;
  if (Object.keys(asked).length === 0) throw refuse(`name at least one of ${parts.join(", ")}`);
  return ordered(asked);
}

/**
 * A task that is narrower than `fixed`, or as wide: each part that is asked for is a subset of what is fixed there, or
 * new. Throws `OAuthError` `invalid_authorization_details` that names the part.
 */
export function narrowed(fixed: Task | null, asked: Task | null): Task | null {
  if (!asked) return fixed && ordered(fixed);
  const wider = parts.find((part) => asked[part] && !within(asked[part], fixed?.[part]));
  if (wider !== undefined) throw refuse(`${wider} is outside what the session is for`);
  return ordered({ ...fixed, ...asked });
}

/** True when whatever `inner` permits, `outer` permits too. */
export function isWithin(inner: Task | null, outer: Task | null): boolean {
  return parts.every((part) => outer?.[part] === undefined || within(inner?.[part], outer[part]));
}

/** One text for tasks that mean the same; `null` for one that fixes nothing. */
export function taskText(one: Task | null): string | null {
  const fixed = one && ordered(one);
  return fixed && canonicalJson(fixed);
}

/** A task as `taskText` wrote it. Throws an `Error` for any other text. */
export function readTask(text: string): Task {
  const fixed = ordered(taskForm.parse(JSON.parse(text)));
  if (!fixed) throw new Error("the task fixes nothing");
  return fixed;
}

/** `undefined` fixes nothing, so nothing narrower contains it. */
function within(inner: readonly string[] | undefined, outer: readonly string[] | undefined): boolean {
  if (outer === undefined) return true;
  return inner?.every((one) => outer.includes(one)) ?? false;
}

/** Without repetitions, sorted; `null` when no part is fixed. */
function ordered(one: { readonly [P in keyof Task]?: Task[P] | undefined }): Task | null {
  const fixed = parts.flatMap((part) => (one[part] ? [[part, [...new Set(one[part])].sort()] as const] : []));
  return fixed.length === 0 ? null : Object.fromEntries(fixed);
}

/** The strict reader reads objects, so the list is read as the one member of one. */
function readList(text: string): unknown {
  try {
    const read = readJsonObject(Buffer.from(`{"list":${text}}`));
    if (Object.keys(read).length === 1) return read.list;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  throw refuse("is not JSON that every reader takes for the same");
}

function refuse(what: string): OAuthError {
  return new OAuthError("invalid_authorization_details", `authorization_details: ${what}`);
}

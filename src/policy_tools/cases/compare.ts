import { isDeepStrictEqual } from "node:util";
import { parseDuration } from "../../duration.js";
import type { Outcome } from "./outcome.js";
import type { Want } from "./schema.js";

/** One thing that is not as a case wants it. */
export interface Difference {
  key: keyof Want;
  wanted: unknown;
  got: unknown;
}

/** What of a case's wishes did not come true. Empty = the case passes. */
export function differences(want: Want, got: Outcome): Difference[] {
  return (Object.keys(want) as (keyof Want)[])
    .filter((key) => want[key] !== undefined && !agrees(key, want, got))
    .map((key) => ({ key, wanted: want[key], got: got[key] }));
}

function agrees(key: keyof Want, want: Want, got: Outcome): boolean {
  switch (key) {
    case "violations": {
      const wanted = want.violations ?? [];
      return wanted.length === got.violations.length && wanted.every((one, i) => within(one, got.violations[i]));
    }
    case "terms":
      return within(comparable(want.terms), comparable(got.terms));
    case "sanitize":
      return within(want.sanitize, got.sanitize);
    case "tags":
      return isDeepStrictEqual(want.tags?.toSorted(), got.tags.toSorted());
    case "decision":
    case "enforced":
    case "reason":
    case "cost":
      return want[key] === got[key];
    default:
      key satisfies never;
      return false;
  }
}

/** True when everything that is named in maps is there with the same value. Lists are compared whole. */
function within(wanted: unknown, got: unknown): boolean {
  if (!isMap(wanted) || !isMap(got)) return isDeepStrictEqual(wanted, got);
  return Object.entries(wanted).every(
    ([name, value]) => value === undefined || (Object.hasOwn(got, name) && within(value, got[name])),
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `60s` is `1m`, and an hour is `60m`. */
function comparable({
  expires_in,
  hold,
  escalate,
  ...terms
}: NonNullable<Want["terms"]> = {}): Record<string, unknown> {
  const { after, ...escalated } = escalate ?? {};
  return {
    ...terms,
    ...(escalate && { escalate: { ...escalated, ...(after !== undefined && { after: parseDuration(after) }) } }),
    ...(expires_in !== undefined && { expires_in: parseDuration(expires_in) }),
    ...(hold !== undefined && { hold: parseDuration(hold) }),
  };
}

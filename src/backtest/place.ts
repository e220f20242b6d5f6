import { hasMaskedName, holdsMasked, isMasked } from "../audit/masked.js";

/** Something that a policy looks at in the input document. */
export interface Place {
  path: readonly string[];
  /** The whole value, only how many members it has, or only whether it has the member `field`. */
  of: "value" | "size" | { field: string };
}

/** True when what a policy would see there is not what it saw when the call was made. */
export function isHidden(input: unknown, { path, of }: Place): boolean {
  let value = input;
  for (const step of path) {
    if (hidesMember(value, step)) return true;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return false;
    value = (value as Record<string, unknown>)[step];
  }
  if (of === "value") return holdsMasked(value);
  if (of === "size") return isMasked(value) || hasMaskedName(value);
  return hidesMember(value, of.field);
}

/** `params.spec.replicas`, for people. */
export function nameOf({ path }: Place): string {
  return path.join(".");
}

/** A name that is there is told; one that is not may be behind a masked one. */
function hidesMember(value: unknown, name: string): boolean {
  return isMasked(value) || (hasMaskedName(value) && !Object.hasOwn(Object(value), name));
}

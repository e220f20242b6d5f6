import type { Json } from "../../src/call.js";

/** JSON merge patch (RFC 7396): maps are merged, `null` removes, everything else replaces. */
export function applyPatch(target: Json, patch: Json): Json {
  if (!isMap(patch)) return patch;
  const result = new Map(Object.entries(isMap(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, applyPatch(result.get(name) ?? {}, value));
  }
  return Object.fromEntries(result);
}

function isMap(value: Json): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

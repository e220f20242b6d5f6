import type { View } from "../outcome.js";
import { Refusal } from "../refusal.js";
import type { Settlement } from "./index.js";

/**
 * What stands for a settlement where nobody could tell who was disabled meanwhile: a denial stays one. Throws `unsure` for
 * everything else, since nothing that is enforced passes so.
 */
export function unsettled(unsure: Refusal, { enforced }: { enforced: Pick<View, "verdict"> }): Settlement {
  if (enforced.verdict !== "deny") throw unsure;
  return { enforced: { outcome: "ok" }, shadow: { outcome: "ok" }, trouble: unsure };
}

/** A store that did not answer a moment ago will not answer now, and the agent would wait twice. */
export function isStoreAway(failure: unknown): boolean {
  return failure instanceof Refusal && failure.reason === "store_unavailable";
}

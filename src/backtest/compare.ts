import type { RecordedView } from "../audit/form.js";
import { letsThrough } from "../verdict.js";
import type { Judged, Reading, Rejudged } from "./rejudge.js";

export const changes = ["unchanged", "newly_allowed", "newly_denied", "changed", "undecidable"] as const;

/** What the candidate would change for a call: for the call itself first, then in what is recorded of it. */
export type Change = (typeof changes)[number];

/** Whether the candidate lets through what was not let through, the reverse, or says something else. */
export function changeOf(before: { decision: RecordedView; enforced: RecordedView }, after: Rejudged): Change {
  const passed = letsThrough(before.enforced.verdict);
  if ("view" in after.enforced) {
    const passes = letsThrough(after.enforced.view.verdict);
    if (passes !== passed) return passes ? "newly_allowed" : "newly_denied";
  }
  if (!("view" in after.enforced) || !("view" in after.computed)) return "undecidable";
  return differs(before.enforced, after.enforced) || differs(before.decision, after.computed) ? "changed" : "unchanged";
}

/** True for a call that was not let through, and of which nobody can tell whether the candidate would do so. */
export function couldBeAllowed(before: RecordedView, after: Reading): boolean {
  return !letsThrough(before.verdict) && !("view" in after);
}

/** Another verdict, or other changes of the call. Another reason alone is no difference. */
export function differs(before: RecordedView, after: Reading): boolean {
  if (!("view" in after)) return false;
  return before.verdict !== after.view.verdict || sanitizedBy(before) !== sanitizedBy(after.view);
}

type Sanitizing = { sanitize: readonly object[]; redact?: readonly object[] };

/** Names of what is set, removed and redacted, as one text. Values are not in the records. */
function sanitizedBy({ sanitize, redact = [] }: Sanitizing | Judged): string {
  const names = sanitize.flatMap((change) =>
    Object.entries(change).flatMap(([place, kinds]) =>
      Object.entries(Object(kinds)).flatMap(([kind, given]) =>
        (Array.isArray(given) ? given.map(String) : Object.keys(Object(given))).map((name) => [place, kind, name]),
      ),
    ),
  );
  const hits = redact.map((hit) => {
    const { in: place, detector, name } = hit as Record<string, unknown>;
    return [place, "redact", name, detector];
  });
  return [...new Set([...names, ...hits].map((name) => JSON.stringify(name)))].sort().join();
}

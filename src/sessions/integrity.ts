import type { Integrity, SessionState } from "../session.js";

/** So many of one kind are no accident any more. */
const persistent = 5;

/**
 * How much a session's behaviour can be trusted. `compromised`: two kinds of indicators, one kind five times, or a
 * verified attestation says so. `suspect`: one kind, or an attestation says so. Refusals alone and tools that are new to
 * the agent are anomalies and leave it `clean`. It never gets better while the session is remembered.
 */
export function integrityOf({ indicators, outside }: Pick<SessionState, "indicators" | "outside">): Integrity {
  let kinds = 0;
  let most = 0;
  for (const name in indicators) {
    const count = indicators[name as keyof typeof indicators] ?? 0;
    if (count > 0) kinds += 1;
    if (count > most) most = count;
  }
  if (outside?.integrity === "compromised" || kinds >= 2 || most >= persistent) return "compromised";
  return kinds > 0 || outside?.integrity === "suspect" ? "suspect" : "clean";
}

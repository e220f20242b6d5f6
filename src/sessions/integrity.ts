import type { Integrity, SessionState } from "../session.js";

/** So many of one kind are no accident any more. */
const persistent = 5;

/**
 * How much a session's behaviour can be trusted. `compromised`: two kinds of indicators, one kind five times, or a
 * verified attestation says so. `suspect`: one kind, or an attestation says so. Refusals alone and tools that are new to
 * the agent are anomalies and leave it `clean`. It never gets better while the session is remembered.
 */
export function integrityOf({ indicators, outside }: Pick<SessionState, "indicators" | "outside">): Integrity {
  const counts = Object.values(indicators).filter((count) => count > 0);
  if (outside?.integrity === "compromised" || counts.length >= 2 || counts.some((count) => count >= persistent)) {
    return "compromised";
  }
  return counts.length > 0 || outside?.integrity === "suspect" ? "suspect" : "clean";
}

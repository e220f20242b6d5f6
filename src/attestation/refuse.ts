import { Refusal } from "../refusal.js";

/** The one answer to everything that does not verify; `why` is for the operator's log only. */
export function unverified(why: unknown): Refusal {
  return new Refusal("attestation_invalid", "the session attestation does not verify", {
    cause: typeof why === "string" ? new Error(why) : why,
  });
}

/** For what a verified attestation says; who sent it may know. */
export function unfit(detail: string, cause?: unknown): Refusal {
  return new Refusal("attestation_invalid", detail, cause === undefined ? {} : { cause });
}

import { attestationHeader } from "../attestation/fields.js";
import type { Header } from "../call.js";
import { Refusal } from "../refusal.js";
import type { OutsideAttestation } from "../session.js";

/** `own`: signed by this installation, which tells nothing that is not known here. */
export type Read = OutsideAttestation & { own: boolean };

/** The attestation that a call brought: verified, or why it counts for nothing. */
export type Brought = { attestation: OutsideAttestation } | { refusal: Refusal | null };

/**
 * What a call brought by way of attestation. One that does not verify is as good as none; whether the call can do without
 * one is decided by who asks. `required` throws then.
 */
export async function broughtAttestation(
  headers: readonly Header[],
  read: (header: string) => Read | Promise<Read>,
  required: boolean,
): Promise<Brought> {
  const found = headers.filter(({ name }) => name === attestationHeader);
  const [only, ...others] = found;
  if (!only) return broughtNone(required);
  try {
    if (others.length > 0) throw new Refusal("attestation_invalid", "more than one session attestation came");
    const attestation = await read(only.value);
    if (!attestation.own) return { attestation };
    // It would only stand in the way of older words of others, which may be worse.
    if (!required) return { refusal: null };
    throw new Refusal("attestation_missing", "the call needs an attestation of somebody else, and brought our own");
  } catch (error) {
    if (!(error instanceof Refusal) || required) throw error;
    return { refusal: error };
  }
}

const nothing: Brought = Object.freeze({ refusal: null });

/** What a call brought that has no such header. */
export function broughtNone(required: boolean): Brought {
  if (required) throw new Refusal("attestation_missing", "the call needs a session attestation, and brought none");
  return nothing;
}

import type { Identity } from "../call.js";
import { Refusal } from "../refusal.js";
import { apiKey } from "./api_key.js";
import { bearerJwt } from "./bearer_jwt.js";
import type { CredentialKind, Credentials, IdentifyContext } from "./credential.js";
import { spiffe } from "./spiffe.js";

/** The kinds of credentials, in the order in which they are looked for. A new kind is one file and one row. */
export const credentialTable: readonly CredentialKind[] = [bearerJwt, apiKey, spiffe];

/**
 * Who calls. Exactly one credential has to be there, and it has to hold: with two, an attacker who adds one could
 * choose which of us and the tool believes. Throws `Refusal` with a reason of status 401.
 */
export async function identify(request: Credentials, context: IdentifyContext): Promise<Identity> {
  const found: Found[] = [];
  for (const kind of credentialTable) {
    for (const credential of kind.find(request)) found.push({ kind, credential });
  }
  const fresh = found.length > 0 ? context.revocations.fresh() : null;
  const unsure = fresh === null ? null : await unsureOf(fresh, context);
  const proper = found.filter(({ kind, credential }) => !kind.yields?.(credential, context));
  const [only, ...others] = proper.length > 0 ? proper : found;
  if (!only) throw new Refusal("credential_missing", "the call carries no credential");
  if (others.length > 0) throw new Refusal("credential_ambiguous", "the call carries more than one credential");
  const proven = only.kind.identify(only.credential, context);
  const identity = proven instanceof Promise ? await proven : proven;
  return unsure ? { ...identity, unsure } : identity;
}

interface Found {
  kind: CredentialKind;
  credential: string;
}

/** Why it is not known what was revoked or disabled a moment ago. Throws it where nobody asked to be told. */
async function unsureOf(fresh: Promise<void>, { mayBeUnsure }: IdentifyContext): Promise<Refusal | null> {
  try {
    await fresh;
    return null;
  } catch (error) {
    if (mayBeUnsure && error instanceof Refusal) return error;
    throw error;
  }
}

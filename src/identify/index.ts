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
  return identifyAtOnce(request, context);
}

/** The same without a promise, where there is nothing to wait for: a token that was verified before, by fresh knowledge. */
export function identifyAtOnce(request: Credentials, context: IdentifyContext): Identity | Promise<Identity> {
  let found: Found[] | null = null;
  for (const kind of credentialTable) {
    for (const credential of kind.find(request)) {
      if (found === null) found = [{ kind, credential }];
      else found.push({ kind, credential });
    }
  }
  if (found === null) throw new Refusal("credential_missing", "the call carries no credential");
  const hearing = context.revocations.fresh();
  return hearing === null ? proven(found, context) : heard(hearing, found, context);
}

interface Found {
  kind: CredentialKind;
  credential: string;
}

/** The one credential among what was found, and who it proves. */
function proven(found: readonly Found[], context: IdentifyContext): Identity | Promise<Identity> {
  const [first] = found;
  // One that yields to others yields to none here.
  if (first && found.length === 1) return first.kind.identify(first.credential, context);
  const proper = found.filter(({ kind, credential }) => !kind.yields?.(credential, context));
  const [only, ...others] = proper.length > 0 ? proper : found;
  if (!only) throw new Refusal("credential_missing", "the call carries no credential");
  if (others.length > 0) throw new Refusal("credential_ambiguous", "the call carries more than one credential");
  return only.kind.identify(only.credential, context);
}

/** The same once it is known what was revoked or disabled a moment ago, or that this cannot be known. */
async function heard(hearing: Promise<void>, found: readonly Found[], context: IdentifyContext): Promise<Identity> {
  let unsure: Refusal | null = null;
  try {
    await hearing;
  } catch (error) {
    // Thrown where nobody asked to be told.
    if (!context.mayBeUnsure || !(error instanceof Refusal)) throw error;
    unsure = error;
  }
  const identity = await proven(found, context);
  return unsure ? { ...identity, unsure } : identity;
}

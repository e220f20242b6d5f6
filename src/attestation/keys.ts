import type { VerifyKey } from "../keys/keys.js";
import { unverified } from "./refuse.js";

/** A key of somebody whose attestations are believed, under the name that attestations call it by. */
export interface AttestationKey {
  kid: string;
  key: VerifyKey;
}

/** The key that signs the attestations we give out, and the `iss` in them. */
export interface OwnKey {
  key: VerifyKey;
  issuer: string;
}

/** Which key checks an attestation, and whether it is ours. */
export interface Selected extends AttestationKey {
  own: boolean;
}

/**
 * The one key of that name. Throws `attestation_invalid` when there is none, or when two different keys have it: to try
 * both would let the sender choose. Our own key that is also configured is ours.
 */
export function selectKey(kid: string, keys: readonly AttestationKey[], own: OwnKey): Selected {
  const ours: Selected = { kid: own.key.kid, key: own.key, own: true };
  const others = keys.filter(({ key }) => key.thumbprint !== own.key.thumbprint).map((key) => ({ ...key, own: false }));
  return only([ours, ...others].filter((key) => key.kid === kid));
}

/** The one secret of that name, or the only secret there is. Our own key makes no attestations of that form. */
export function selectSecret(kid: string | undefined, keys: readonly AttestationKey[], own: OwnKey): Selected {
  const secrets = keys.filter(({ key }) => key.alg === "HS256" && key.thumbprint !== own.key.thumbprint);
  const named = kid === undefined ? secrets : secrets.filter((key) => key.kid === kid);
  return only(named.map((key) => ({ ...key, own: false })));
}

function only(candidates: readonly Selected[]): Selected {
  const [first, ...others] = candidates;
  if (!first) throw unverified("its kid selects no key that attestations are believed of");
  if (others.some(({ key }) => key.thumbprint !== first.key.thumbprint)) {
    throw unverified("more than one key could be meant");
  }
  return first;
}

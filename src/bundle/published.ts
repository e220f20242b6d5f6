import type { SigningKey } from "../keys/keys.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { Runtime } from "../runtime.js";
import { packBundle } from "./write.js";

/** The bundle of the policies in force, as others fetch it. */
export interface PublishedBundle {
  /** The version of its policies. */
  revision: string;
  bytes: Buffer;
}

/** Gives the bundle of the set in force; each set is packed, and signed where there is a key, once. */
export function publisher(deps: {
  policies: () => PolicySet;
  key: SigningKey | null;
  runtime: Pick<Runtime, "now">;
}): () => Promise<PublishedBundle> {
  const packed = new WeakMap<PolicySet, Promise<PublishedBundle>>();
  const pack = async (set: PolicySet): Promise<PublishedBundle> => {
    const signer = deps.key && { key: deps.key, nowMs: deps.runtime.now() };
    return { revision: set.version, bytes: await packBundle(set, signer) };
  };
  return () => {
    const set = deps.policies();
    const bundle = packed.get(set) ?? pack(set);
    packed.set(set, bundle);
    bundle.catch(() => packed.delete(set));
    return bundle;
  };
}

import { assembling, type PolicySet } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import { inSlices } from "../slices.js";
import { unpack } from "./archive.js";
import { InvalidBundle } from "./error.js";
import { readBundle } from "./read.js";
import { type SignatureKey, verifySignature } from "./signature.js";

/** What a bundle has to go with. */
export interface OpenOptions {
  program: Program;
  /** `null`: the bundle is believed as its file is. Then a signature in it is not looked at. */
  key: SignatureKey | null;
  nowMs: number;
}

export interface OpenedBundle {
  set: PolicySet;
  /** `null` where the signature does not say, and where none was checked. */
  signedAtMs: number | null;
}

/** Makes a policy set of the bytes of a bundle, signature first. Throws `InvalidBundle`. */
export async function openBundle(bytes: Uint8Array, { program, key, nowMs }: OpenOptions): Promise<OpenedBundle> {
  const entries = await unpack(bytes);
  const { signedAtMs } = key ? await verifySignature(entries, key, nowMs) : { signedAtMs: null };
  const { revision, ...content } = readBundle(entries, program);
  const set = await inSlices(assembling(content, program));
  if (set.version !== revision) throw new InvalidBundle("its content does not belong to its revision");
  return { set, signedAtMs };
}

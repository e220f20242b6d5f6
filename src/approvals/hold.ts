import { Refusal } from "../refusal.js";
import { type Approval, StoreUnavailable } from "../store/store.js";
import { whilePending } from "./waiting.js";

/** A call that waits for the answer to its approval. */
export interface HeldCall {
  /** Of the approval. */
  id: string;
  agent: string;
  session: string;
  /** Milliseconds, >= 1. */
  ms: number;
  /** True once nobody waits for the call any more. */
  cancelled: () => boolean;
}

/**
 * The approval once people have decided, unless they denied (`approval_denied`); `null` when nobody waits any more, so
 * that an approval is not used up for a caller who is gone. Throws `store_unavailable` when the answer cannot be known.
 */
export async function hold(
  { ms, cancelled }: HeldCall,
  find: () => Promise<Approval | null>,
  released: AbortSignal,
): Promise<Approval | null> {
  const gone = new AbortController();
  const look = async () => {
    if (cancelled()) gone.abort();
    return find();
  };
  const approval = await whilePending(look, ms, AbortSignal.any([gone.signal, released])).catch(unavailable);
  if (cancelled()) return null;
  if (approval?.status === "denied") throw new Refusal("approval_denied", "people denied the approval of this call");
  return approval;
}

function unavailable(error: unknown): never {
  if (!(error instanceof StoreUnavailable)) throw error;
  throw new Refusal("store_unavailable", "the store of limits and approvals did not answer in time", { cause: error });
}

import type { Call, Override, Session } from "../call.js";
import { Refusal } from "../refusal.js";
import type { Indicator, ObservedSession, OutsideAttestation, SessionAttestation, SessionState } from "../session.js";
import { injectionIn, type Marker } from "../sessions/injection/injection.js";
import { viewOf } from "../sessions/view.js";
import { type Approval, type Store, StoreUnavailable } from "../store/store.js";
import type { Brought } from "./brought.js";

export interface RecallParts {
  agent: string;
  session: Session;
  call: Call;
  override: Override | null;
  brought: Brought;
  attestationRequired: boolean;
  /** True when somebody's attestations are believed here. */
  observersKnown: boolean;
  /** True when the agent's policies ask what the session did. */
  needsSession: boolean;
  learningMs: number;
  store: Store;
}

/** What the session did before this call, and what this call says of it. */
export interface Recalled {
  /** As policies see it; `null` when nobody looked. */
  observed: { session: ObservedSession; attestation: SessionAttestation } | null;
  /** The session before this call, where somebody looked. */
  state: SessionState | null;
  /** The verified attestation that counts. */
  outside: OutsideAttestation | null;
  /** Found in this very call. */
  indicators: readonly Indicator[];
  /** Which words to a model, and where; `null` when there are none. */
  marker: Marker | null;
  /** The agent is known for long enough and has never used the tool; false also where nobody looked. */
  newTool: boolean;
  /** The approval behind the override token; `null` when there is none. */
  approval: Approval | null;
  /** Why the call is refused whatever policies say. */
  refusal: Refusal | null;
}

/** Calls that are made at the same time may arrive in another order than their attestations were signed. */
const reorderedMs = 5_000;

/**
 * Stage attest, the part that asks the store: what did the session do so far? One round trip, and none where neither the
 * policies nor the call need it. Throws `store_unavailable`.
 */
export function recall(parts: RecallParts): Recalled | Promise<Recalled> {
  const { brought, override } = parts;
  const marker = injectionIn(parts.call);
  const found: Indicator[] = [];
  if (marker !== null) found.push("prompt_injection");
  if (parts.observersKnown && "refusal" in brought && brought.refusal?.reason === "attestation_invalid") {
    found.push("attestation_invalid");
  }
  const attestation = "attestation" in brought ? brought.attestation : null;
  if (!parts.needsSession && attestation === null && override === null) {
    const nothing = { observed: null, state: null, outside: null, newTool: false, approval: null, refusal: null };
    return { ...nothing, indicators: found, marker };
  }
  return recallWith(parts, { marker, found, attestation });
}

async function recallWith(
  parts: RecallParts,
  { marker, found, attestation }: { marker: Marker | null; found: Indicator[]; attestation: OutsideAttestation | null },
): Promise<Recalled> {
  const { agent, session } = parts;
  const { session: state, newTool, approval } = await look(parts);
  const lateMs = attestation === null ? 0 : (state?.outside?.seenMs ?? 0) - attestation.signedAtMs;
  const outside = lateMs > 0 ? null : attestation;
  const indicators = lateMs > reorderedMs ? [...found, "attestation_invalid" as const] : found;
  const observed = viewOf({ agent, session, state, indicators, newTool, outside });
  const refusal =
    lateMs > 0 && parts.attestationRequired
      ? new Refusal("attestation_replayed", "a newer attestation of this session was seen before")
      : null;
  return { observed, state, outside, indicators, marker, newTool, approval, refusal };
}

async function look({ agent, session, call, override, learningMs, store }: RecallParts) {
  try {
    const approval = override?.approvalId ?? null;
    return await store.look({ agent, session: session.id, tool: call.tool, learningMs, approval });
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    throw new Refusal("store_unavailable", "the store did not answer in time", { cause: error });
  }
}

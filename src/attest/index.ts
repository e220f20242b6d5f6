import { verifyOverride } from "../approvals/override_token.js";
import { attestationHeader } from "../attestation/fields.js";
import { type Call, type Header, type Identity, type Override, type Session, scopeCovers } from "../call.js";
import type { VerifyKey } from "../keys/keys.js";
import { Refusal } from "../refusal.js";
import { type Brought, broughtAttestation, broughtNone, type Read } from "./brought.js";
import { checkTask } from "./task.js";

export { type Recalled, type RecallParts, recall } from "./recall.js";

/** Header that carries the one-time proof of an approval. */
export const overrideHeader = "x-countersign-override";

export interface AttestParts {
  identity: Identity;
  session: Session;
  call: Call;
  /** Of the call in the given session. */
  fingerprintOf: (session: string) => string;
  /** Checks override tokens. */
  approvalKey: VerifyKey;
  /** The verified attestation behind a header, of this agent and session; throws `Refusal` for any other. */
  readAttestation: (header: string) => Read | Promise<Read>;
  /** True when a call needs a verified attestation. */
  attestationRequired: boolean;
  nowMs: number;
}

/** What is proven about the circumstances of a call. */
export interface Attested {
  fingerprint: string;
  /** `null` when no override token came, or one for another call: then people are asked again. */
  override: Override | null;
  brought: Brought;
}

/**
 * Stage attest: is the call within what its session was given, which attestation and which approval does it bring?
 * Throws `scope_exceeded`, `outside_task`, `attestation_missing`, `attestation_invalid`, `attestation_expired`,
 * `override_invalid` or `override_expired`.
 */
export function attest(parts: AttestParts): Attested | Promise<Attested> {
  const { identity, session, call, attestationRequired } = parts;
  const { headers } = call.http;
  checkScope(identity, call);
  checkTask(identity.session.task, call);
  if (bringsSomething(headers)) return verified(parts);
  const brought = broughtNone(attestationRequired);
  return { fingerprint: parts.fingerprintOf(session.id), override: null, brought };
}

function bringsSomething(headers: readonly Header[]): boolean {
  for (const { name } of headers) if (name === overrideHeader || name === attestationHeader) return true;
  return false;
}

/** Of the few calls that bring something. */
async function verified(parts: AttestParts): Promise<Attested> {
  const overrides = parts.call.http.headers.filter(({ name }) => name === overrideHeader);
  const { session, call } = parts;
  const brought = await broughtAttestation(call.http.headers, parts.readAttestation, parts.attestationRequired);
  const fingerprint = parts.fingerprintOf(session.id);
  return { fingerprint, override: await overrideOf(parts, overrides, fingerprint), brought };
}

function checkScope({ agent }: Identity, { tool, action }: Call): void {
  if (tool === null || action === null) return;
  for (const scope of agent.scopes) if (scopeCovers(scope, tool, action)) return;
  const message = `${tool}:${action} is outside the scopes of this agent or its token`;
  throw new Refusal("scope_exceeded", message, {
    violations: [{ rule: "scope_exceeded", limit: [...agent.scopes], actual: `${tool}:${action}`, message }],
  });
}

async function overrideOf(
  { identity, session, approvalKey, nowMs }: AttestParts,
  [first, ...others]: readonly Header[],
  fingerprint: string,
): Promise<Override | null> {
  if (first === undefined) return null;
  const token = first.value;
  if (others.length > 0) throw new Refusal("override_invalid", "more than one override token came with the call");
  const wanted = { key: approvalKey, now: nowMs, agent: identity.agent.id, session: session.id };
  const verified = await verifyOverride(token, wanted);
  // Another call than the approved one needs an approval of its own.
  if (verified.fingerprint !== fingerprint) return null;
  return { approvalId: verified.approvalId, token };
}

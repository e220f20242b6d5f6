import { createHmac } from "node:crypto";
import { attestationAudience, attestationType } from "../../src/attestation/fields.js";
import type { AttestationKey } from "../../src/attestation/keys.js";
import { type AttestationContext, type ReadAttestation, readAttestation } from "../../src/attestation/read.js";
import { canonicalJson } from "../../src/canonical.js";
import { generateKey, type KeyKind, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { Refusal } from "../../src/refusal.js";
import type { SessionState } from "../../src/session.js";

export const now = Date.parse("2026-03-01T14:22:00Z");
export const seconds = now / 1000;
export const issuer = "http://127.0.0.1:9192";

export const newKey = (kind: KeyKind) => signingKeyOf(generateKey(kind, "attestation"));

/** Observers with a key of each kind, and our own. */
export interface Keys {
  own: SigningKey;
  okp: SigningKey;
  ec: SigningKey;
  oct: SigningKey;
}

export async function newKeys(): Promise<Keys> {
  const [own, okp, ec, oct] = await Promise.all([newKey("OKP"), newKey("OKP"), newKey("EC"), newKey("oct")]);
  return { own, okp, ec, oct };
}

export const trusted = ({ okp, ec, oct }: Keys): AttestationKey[] => [
  { kid: "obs-okp", key: okp },
  { kid: "obs-ec", key: ec },
  { kid: "obs-oct", key: oct },
];

export const contextOf = (keys: Keys): AttestationContext => ({
  keys: trusted(keys),
  own: { key: keys.own, issuer },
  agent: "deploy-manager",
  session: "abc-123",
  maxAgeMs: 600_000,
  nowMs: now,
});

/** What the example of a session attestation says; a test spoils one field of it. */
export const goodFields: Record<string, unknown> = {
  session_id: "abc-123",
  workflow_run_id: "gh-run-98765",
  initiated_by: "parminder@company.com",
  role: "platform-engineer",
  clearance: "tier-2",
  data_classification: ["config", "non-pii"],
  anomalies_detected: false,
  session_integrity: "clean",
  signed_at: "2026-03-01T14:21:30Z",
};

/** The same as `readAttestation` tells it. */
export const goodRead = {
  signedAtMs: now - 30_000,
  workflow_run_id: "gh-run-98765",
  initiated_by: "parminder@company.com",
  role: "platform-engineer",
  clearance: "tier-2",
  classification: ["config", "non-pii"],
  anomalies: false,
  integrity: "clean",
  facts: {},
};

export const base64url = (data: string | Uint8Array) => Buffer.from(data).toString("base64url");

/** A compact JWS of anything at all: header and payload may be JSON text or bytes, for what JSON.stringify cannot write. */
export function jws(
  header: object | string | Uint8Array,
  payload: object | string | Uint8Array,
  sign: (input: Buffer) => Uint8Array,
): `${string}.${string}.${string}` {
  const [head, body] = [header, payload].map((part) =>
    base64url(typeof part === "string" || part instanceof Uint8Array ? part : JSON.stringify(part)),
  );
  return `${head}.${body}.${base64url(sign(Buffer.from(`${head}.${body}`)))}`;
}

export const headerOf = (key: SigningKey, kid: string): Record<string, unknown> => ({
  alg: key.alg,
  kid,
  typ: attestationType,
});

/** The JSON form of anything at all, with a MAC by node:crypto over the RFC 8785 form. */
export function hmacJson(fields: Record<string, unknown>, secret: Uint8Array): string {
  return base64url(JSON.stringify({ ...fields, signature: macOf(fields, secret) }));
}

export const macOf = (fields: object, secret: Uint8Array) =>
  `hmac-sha256:${createHmac("sha256", secret).update(canonicalJson(fields)).digest("hex")}`;

export const secretOf = (key: SigningKey) => key.verifyKey.export();

/** How a header is refused; fails when it is not. */
export function refusalOf(header: string, context: AttestationContext): Refusal {
  let read: ReadAttestation;
  try {
    read = readAttestation(header, context);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error(`was accepted: ${JSON.stringify(read)}`);
}

export { attestationAudience, attestationType };

/** A session in which nothing happened but two calls. */
export const state: SessionState = {
  known: { initiated_by: "alice@example.com", role: "platform-lead", clearance: "tier-1" },
  startedMs: now - 60_000,
  lastMs: now - 1_000,
  calls: 2,
  passed: 2,
  refused: 0,
  classification: ["config", "pii"],
  tools: ["crm", "deploy-api"],
  indicators: {},
  anomalies: 0,
  recent: [],
  outside: null,
};

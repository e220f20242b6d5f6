import { createHash, createHmac, type KeyObject, sign } from "node:crypto";
import type { IdentifyContext } from "../../src/identify/credential.js";
import { localIssuer } from "../../src/identify/local_issuer.js";
import type { TrustedIssuers } from "../../src/issuers/issuers.js";
import type { Revocations } from "../../src/issuers/revocations.js";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { loadRegistry } from "../../src/registry/load.js";
import { systemRuntime } from "../../src/runtime.js";

export const now = Date.parse("2026-03-01T14:22:00Z");
export const seconds = now / 1000;
export const issuerUrl = "http://127.0.0.1:9192";
export const audience = "countersign";
export const maxTtlMs = 3_600_000;

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

export const registry = loadRegistry({
  agents: {
    file: "agents.yaml",
    text: `agents:
  - {id: deploy-manager, model: some-model-1, scopes: ["deploy-api:*", "aws:iam:CreateRole"], roles: [ci],
     api_keys: [{sha256: ${hash("key-1")}}]}
  - {id: plain, scopes: ["*:*"], api_keys: [{sha256: ${hash("key-plain")}}]}
  - {id: retired, disabled: true, scopes: ["*:*"], api_keys: [{sha256: ${hash("key-retired")}}]}
`,
  },
});

/** Trusts nobody but the local issuer. */
export const noTrusted: TrustedIssuers = trustedIssuers([], { runtime: systemRuntime });
export const neverRevoked: Revocations = { fresh: async () => undefined, unheardMs: () => 0, isRevoked: () => false };

/** A verifier with two keys, as during a key change, and the first of them to sign with. */
export async function issuers(): Promise<{ key: SigningKey; second: SigningKey; context: IdentifyContext }> {
  const key = await signingKeyOf(generateKey("OKP", "issuer"));
  const second = await signingKeyOf(generateKey("EC", "issuer"));
  const issuer = localIssuer({ issuer: issuerUrl, audience, maxTtlMs, keys: [key, second] });
  return { key, second, context: { registry, issuer, trusted: noTrusted, revocations: neverRevoked, now: () => now } };
}

/** Claims that hold; a test spoils one of them. */
export const goodClaims: Record<string, unknown> = {
  iss: issuerUrl,
  sub: "deploy-manager",
  aud: audience,
  iat: seconds - 60,
  exp: seconds + 840,
  jti: "01KJMK0000000000000000JT11",
  scope: "deploy-api:deploy",
};

export function goodHeader(key: SigningKey): Record<string, unknown> {
  return { alg: key.alg, typ: "at+jwt", kid: key.kid };
}

/** Assembles a token from anything at all; `claims` may be JSON text, for what JSON.stringify cannot write. */
export function forge(header: object, claims: object | string, signature: (input: Buffer) => Uint8Array): string {
  const payload = typeof claims === "string" ? claims : JSON.stringify(claims);
  const input = [JSON.stringify(header), payload].map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${input}.${Buffer.from(signature(Buffer.from(input))).toString("base64url")}`;
}

export const withHmac = (secret: string | Buffer) => (input: Buffer) =>
  createHmac("sha256", secret).update(input).digest();
export const withEd25519 = (key: KeyObject) => (input: Buffer) => sign(null, input, key);
export const unsigned = () => new Uint8Array();

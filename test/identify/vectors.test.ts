import { readFileSync } from "node:fs";
import { issueToken } from "../../src/identify/issue.js";
import { type IssuerVerifier, localIssuer } from "../../src/identify/local_issuer.js";
import type { SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { Refusal } from "../../src/refusal.js";

const vectors = JSON.parse(readFileSync("test/vectors/tokens.json", "utf8"));
const now = Date.parse(vectors.now);
const { issuer, audience, max_ttl_ms: maxTtlMs } = vectors.issuer;

interface Vector {
  name: string;
  token: string;
  request?: { agent: { id: string }; ttl_ms: number; id: string };
  claims?: object;
  reason?: string;
}

let key: SigningKey;
let verifier: IssuerVerifier;
beforeAll(async () => {
  key = await signingKeyOf(vectors.key);
  verifier = localIssuer({ issuer, audience, maxTtlMs, keys: [key] });
});

test.each<Vector>(vectors.agent_tokens)("agent token: $name", async ({ token, claims, reason }) => {
  const result = await verifier.verify(token, now).catch((error: unknown) => error);
  if (reason === undefined) expect(result).toEqual(claims);
  else expect(result instanceof Refusal ? result.reason : result).toBe(reason);
});

const issued = (vectors.agent_tokens as Vector[]).filter(({ request }) => request !== undefined);

test("some vectors can be issued again", () => expect(issued.map(({ name }) => name)).toHaveLength(3));

test.each(issued)("issuing again gives the same bytes: $name", async ({ request, token }) => {
  if (!request) throw new Error("not issued");
  const { ttl_ms: ttlMs, ...rest } = request;
  expect(await issueToken({ ...rest, key, issuer, audience, ttlMs, maxTtlMs, now })).toBe(token);
});

import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { configSchema } from "../../src/config/schema.js";
import type { TrustedIssuer } from "../../src/config/trusted.js";
import { now, seconds } from "../identify/fixture.js";

export { now, seconds };

/** A key of another issuer, able to sign whatever a test wants signed. */
export interface Key {
  kid: string;
  alg: string;
  public: JsonWebKey;
  publicKey: KeyObject;
  sign(input: Buffer): Buffer;
}

const kinds = {
  RS256: (bits: number) => generateKeyPairSync("rsa", { modulusLength: bits }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

export function keyOf(kid: string, alg: keyof typeof kinds = "ES256", bits = 2_048): Key {
  const { publicKey, privateKey } = kinds[alg](bits);
  const hash = alg === "EdDSA" ? null : "sha256";
  return {
    kid,
    alg,
    public: { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" },
    publicKey,
    sign: (input) => sign(hash, input, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  };
}

export const jwks = (...keys: { public: JsonWebKey }[]) => ({ keys: keys.map((key) => key.public) });

export const ci = "https://ci.example";

/** Claims of a job that satisfy every entry below but for the audience; a test spoils one of them. */
export const job: Record<string, unknown> = {
  iss: ci,
  sub: "repo:acme/shop:ref:refs/heads/main",
  aud: "countersign-agents",
  iat: seconds - 60,
  exp: seconds + 840,
  jti: "ci-token-1",
  repository: "acme/shop",
  run_id: 98765,
  actor: "alice@example.com",
};

export const compact = (header: object, claims: object | string, signature: (input: Buffer) => Uint8Array): string => {
  const payload = typeof claims === "string" ? claims : JSON.stringify(claims);
  const input = [JSON.stringify(header), payload].map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${input}.${Buffer.from(signature(Buffer.from(input))).toString("base64url")}`;
};

/** A token as the key's owner would make it, with changes. */
export const tokenOf = (key: Key, claims: object | string = job, header: object = {}): string =>
  compact({ alg: key.alg, typ: "JWT", kid: key.kid, ...header }, claims, key.sign);

export const withHmac = (secret: string | Buffer) => (input: Buffer) =>
  createHmac("sha256", secret).update(input).digest();

/** What an operator writes, as the configuration takes it. Members that are `undefined` are not written. */
export function entries(...written: object[]): TrustedIssuer[] {
  return configSchema.parse({ identity: { trusted: JSON.parse(JSON.stringify(written)) } }).identity.trusted;
}

/** An entry for agents whose keys are at a place, with changes. */
export const agentEntry = (place: string, more: object = {}): object => ({
  for: "agents",
  issuer: ci,
  jwks: place,
  audience: "countersign-agents",
  algorithms: ["ES256", "RS256"],
  agent: "deploy-manager",
  ...more,
});

/** A clock that only a test moves. */
export function clock() {
  const at = { ms: 0, runtime: { monotonicMicros: () => at.ms * 1000 } };
  return at;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Ways in which an endpoint answers. */
export const answers = {
  json:
    (body: unknown): Answer =>
    (_, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)),
  text:
    (body: string | Buffer, status = 200, headers: Record<string, string> = {}): Answer =>
    (_, response) =>
      response.writeHead(status, headers).end(body),
  /** Takes the request and says nothing. */
  silence: (): Answer => () => undefined,
  /** Starts well, and then never ends. */
  trickle: (): Answer => (_, response) => {
    response.writeHead(200, { "content-type": "application/json" }).write('{"keys": [');
  },
};

/** A real HTTP server for keys that counts what it is asked. */
export async function keyServer(first: Answer) {
  const here = { answer: first, requests: 0, url: "", stop: async () => undefined as undefined };
  const server = createServer((request, response) => {
    here.requests += 1;
    here.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  here.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  here.stop = () =>
    new Promise((resolve) => {
      if (!server.listening) return resolve(undefined);
      server.close(() => resolve(undefined));
      server.closeAllConnections();
    });
  return here;
}

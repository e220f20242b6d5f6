import { randomBytes } from "node:crypto";
import { z } from "zod";
import { readSignedToken, signToken, type TokenKind } from "../approvals/signed_token.js";
import type { SigningKey } from "../keys/keys.js";
import { personClaimed } from "../registry/claimed.js";
import type { Person, Registry } from "../registry/registry.js";

/** JWS `typ` of a browser session. */
export const sessionType = "page-session+jwt";

/** What proved a person when they signed in. It has to hold at each request, so that taking it away ends the session. */
export type SignInProof =
  /** A token of people.yaml, by its lower-case hex SHA-256. */
  | { by: "token"; token_sha256: string }
  /** The provider's word: whose, and the name that it gave; `any` when that may be an alias. */
  | { by: "oidc"; provider: string; name: string; names: "id" | "any" };

/** Somebody who has signed in. */
export interface BrowserSession {
  person: Person;
  /** What every change has to bring along. */
  csrf: string;
}

/** Browser sessions. They are kept by browsers alone, signed by the approval key; all processes that have it know them. */
export interface PageSessions {
  /** The token for a new session of somebody who is proven at this moment, by the very proof. */
  open(person: Person, proof: SignInProof): { token: string; csrf: string };
  /** `null` when the token does not hold, the person is gone, or what proved them counts no longer. */
  read(token: string): Promise<BrowserSession | null>;
}

const common = { sub: z.string().min(1), csrf: z.string().min(1) };
const claims = z.discriminatedUnion("by", [
  z.object({ ...common, by: z.literal("token"), token_sha256: z.string() }),
  z.object({ ...common, by: z.literal("oidc"), provider: z.string(), name: z.string(), names: z.enum(["id", "any"]) }),
]);
const kind: TokenKind<z.infer<typeof claims>> = {
  typ: sessionType,
  aud: "urn:countersign:page-session",
  claims,
  maxBytes: 3_072,
};

export interface PageSessionDeps {
  key: SigningKey;
  registry: () => Registry;
  /** Whose word counts in place of a token; `null` = nobody's. */
  provider: string | null;
  ttlMs: number;
  now: () => number;
}

export function pageSessions({ key, registry, provider, ttlMs, now }: PageSessionDeps): PageSessions {
  return {
    open(person, proof) {
      const csrf = randomBytes(32).toString("base64url");
      const token = signToken(key, kind, { sub: person.id, csrf, ...proof }, { nowMs: now(), ttlMs });
      return { token, csrf };
    },
    async read(token) {
      const read = await readSignedToken(key, kind, token, { nowMs: now(), maxAgeMs: ttlMs });
      if (!read) return null;
      const { sub, csrf, ...proof } = read.claims;
      const person = provenPerson(registry(), proof, { id: sub, provider });
      return person ? { person, csrf } : null;
    },
  };
}

function provenPerson(
  registry: Registry,
  proof: SignInProof,
  { id, provider }: { id: string; provider: string | null },
): Person | undefined {
  switch (proof.by) {
    case "token":
      return registry.holdsToken(id, proof.token_sha256) ? exactly(id, registry.personNamed(id, "id")) : undefined;
    case "oidc":
      return proof.provider === provider ? exactly(id, personClaimed(registry, proof.name, proof.names)) : undefined;
    default:
      return proof satisfies never;
  }
}

function exactly(id: string, person: Person | undefined): Person | undefined {
  return person?.id === id ? person : undefined;
}

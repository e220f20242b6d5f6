import { z } from "zod";
import type { Json } from "../call.js";
import type { AgentIssuer, PeopleIssuer, TrustedIssuer } from "../config/trusted.js";
import { Refusal } from "../refusal.js";
import { grantOf, personOf } from "./claim_map.js";
import type { Grant, PersonClaim, TrustedIssuers } from "./issuers.js";
import { type KeySet, type KeySource, type KeySourceOptions, keySource } from "./jwks.js";
import { maxTokenBytes, readToken } from "./read_token.js";
import { refuse } from "./refused.js";
import { verifySignature } from "./signature.js";
import { checkTimes, lifetimeMs, skewMs, type Times } from "./times.js";
import { type Claims, present } from "./values.js";
import { type VerifiedTokens, verifiedTokens } from "./verified_tokens.js";
import { compileWhen, type When } from "./when.js";

/** Subject tokens come in a body, and those of CI systems say a lot. */
const maxSubjectTokenBytes = 16_384;

/**
 * What the tokens of others may be typed as; most are not typed at all. Types with a meaning of their own are somebody
 * else's: an override token of another installation must not serve as an identity here (RFC 8725 section 3.11).
 */
const types: readonly string[] = ["jwt", "at+jwt", "id_token", "id_token+jwt"];

/** Header parameters by which a token would say how it wants to be checked (RFC 7515 section 4.1, RFC 7797). */
const forbidden: readonly string[] = ["crit", "jwk", "jku", "x5u", "x5c", "b64"];

const seconds = z.number().nonnegative();

/** Longer than in our own tokens: the `sub` of some CI systems spells out a repository and a branch. */
const shown = z.string().regex(/^[^\p{Cc}\p{Cf}]{1,1024}$/u);

/** What every token has to say (RFC 7519 section 4.1). */
const commonClaims = z.object({
  iss: z.string(),
  sub: shown,
  aud: z.union([z.string(), z.array(z.string())]),
  exp: seconds,
  iat: seconds,
  nbf: seconds.optional(),
  jti: shown.optional(),
});

type CommonClaims = z.output<typeof commonClaims>;

type Use = TrustedIssuer["for"];
type EntryFor<U extends Use> = Extract<TrustedIssuer, { for: U }>;

/** One entry of the configuration, ready for use. */
interface Rule<E extends TrustedIssuer> {
  entry: E;
  source: KeySource;
  when: When;
}

/** A token whose signature holds under `keys`, with what it stands for. */
interface Verified<T> {
  times: Times;
  source: KeySource;
  keys: KeySet;
  meaning: T;
}

/**
 * The issuers of `identity.trusted`, as `configSchema` gives them with absolute paths. Verified bearer tokens are remembered
 * until they expire or other keys of their issuer are read; exchanged ones are not, since they come once.
 */
export function trustedIssuers(entries: readonly TrustedIssuer[], options: KeySourceOptions): TrustedIssuers {
  const sources = new Map<string, KeySource>();
  const sourceOf = ({ jwks }: TrustedIssuer): KeySource => {
    const source = sources.get(jwks) ?? keySource(jwks, options);
    sources.set(jwks, source);
    return source;
  };
  const rulesFor = <U extends Use>(use: U): Rule<EntryFor<U>>[] =>
    entries
      .filter((entry): entry is EntryFor<U> => entry.for === use)
      .map((entry) => ({ entry, source: sourceOf(entry), when: whenOf(entry) }));
  const rules = { exchange: rulesFor("exchange"), agents: rulesFor("agents"), people: rulesFor("people") };
  const agents = verifiedTokens<Verified<Grant>>();
  const people = verifiedTokens<Verified<PersonClaim>>();

  async function remembered<T>(
    tokens: VerifiedTokens<Verified<T>>,
    token: string,
    nowMs: number,
    verify: () => Promise<Verified<T>>,
  ): Promise<T> {
    const known = tokens.get(token);
    if (known && (await known.source.current()) === known.keys) {
      checkTimes(known.times, nowMs);
      return known.meaning;
    }
    const verified = await verify();
    tokens.set(token, verified, { exp: verified.times.exp, nowMs });
    return verified.meaning;
  }

  return {
    knows: (use, iss) => rules[use].some(({ entry }) => entry.issuer === iss),
    exchange: async (token, nowMs) =>
      (await verify(rules.exchange, token, nowMs, maxSubjectTokenBytes, grantsOf)).meaning,
    agent: (token, nowMs) =>
      remembered(agents, token, nowMs, () => verify(rules.agents, token, nowMs, maxTokenBytes, theGrantOf)),
    remembers: (token) => agents.get(token) !== undefined,
    person: (token, nowMs) =>
      remembered(people, token, nowMs, () => verify(rules.people, token, nowMs, maxTokenBytes, thePersonOf)),
    close() {
      for (const source of sources.values()) source.close();
    },
  };
}

function whenOf({ when }: TrustedIssuer): When {
  return when === undefined ? () => true : compileWhen(when);
}

/** Verifies once, for all rules of the token's issuer and audience, and asks for the meaning by those that hold. */
async function verify<E extends TrustedIssuer, T>(
  rules: readonly Rule<E>[],
  token: string,
  nowMs: number,
  maxBytes: number,
  meaningOf: (entries: readonly E[], claims: Claims, common: CommonClaims) => T,
): Promise<Verified<T>> {
  const { header, claims } = readToken(token, maxBytes);
  checkHeader(header);
  const addressed = addressedTo(rules, claims, header.alg);
  const [{ entry, source }] = addressed;
  const keys = await verifySignature(token, source, {
    algorithms: [String(header.alg)],
    issuer: entry.issuer,
    audience: addressed.map((rule) => rule.entry.audience),
    requiredClaims: ["exp", "iat", "sub"],
    currentDate: new Date(nowMs),
    clockTolerance: skewMs / 1000,
  });
  const common = commonClaims.safeParse(claims);
  if (!common.success) throw refuse("token_invalid", common.error);
  checkTimes(common.data, nowMs);
  const inTime = addressed.filter((rule) => lifetimeMs(common.data) <= rule.entry.max_ttl);
  if (inTime.length === 0) throw refuse("token_lifetime");
  const holding = inTime.filter((rule) => rule.when(claims)).map((rule) => rule.entry);
  if (holding.length === 0) throw refuse("token_condition");
  return { times: common.data, source, keys, meaning: meaningOf(holding, claims, common.data) };
}

function checkHeader(header: Claims): void {
  const found = forbidden.filter((name) => Object.hasOwn(header, name));
  if (found.length > 0) throw refuse("token_invalid", new Error(`header parameters ${found.join(", ")}`));
  const { typ, kid } = header;
  if (
    typ !== undefined &&
    !(typeof typ === "string" && types.includes(typ.toLowerCase().replace(/^application\//, "")))
  ) {
    throw refuse("token_invalid", new Error("typ"));
  }
  if (kid !== undefined && typeof kid !== "string") throw refuse("token_invalid", new Error("kid"));
}

/** The rules for the token's issuer, audience and algorithm; they share one source of keys. */
function addressedTo<E extends TrustedIssuer>(
  rules: readonly Rule<E>[],
  { iss, aud }: Claims,
  alg: Json | undefined,
): [Rule<E>, ...Rule<E>[]] {
  if (iss === undefined || aud === undefined) throw refuse("token_invalid");
  const ofIssuer = rules.filter(({ entry }) => entry.issuer === iss);
  if (ofIssuer.length === 0) throw refuse("token_wrong_issuer");
  const audiences = Array.isArray(aud) ? aud : [aud];
  const ours = ofIssuer.filter(({ entry }) => audiences.includes(entry.audience));
  if (ours.length === 0) throw refuse("token_wrong_audience");
  const [first, ...others] = ours.filter(({ entry }) => (entry.algorithms as readonly unknown[]).includes(alg));
  if (!first) throw refuse("token_invalid", new Error("alg"));
  return [first, ...others];
}

/** One grant for each agent: by the entry that is written first of those that hold. */
function grantsOf(entries: readonly AgentIssuer[], claims: Claims, common: CommonClaims): Grant[] {
  const first = new Map<string, AgentIssuer>();
  for (const entry of entries) if (!first.has(entry.agent)) first.set(entry.agent, entry);
  const grants: Grant[] = [];
  let refused: Refusal | undefined;
  for (const entry of first.values()) {
    try {
      grants.push(grantOf(entry, claims, subjectOf(entry, common)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused ??= error;
    }
  }
  if (grants.length === 0) throw refused ?? refuse("token_condition");
  return grants;
}

function theGrantOf(entries: readonly AgentIssuer[], claims: Claims, common: CommonClaims): Grant {
  const agents = new Set(entries.map(({ agent }) => agent));
  if (agents.size > 1) throw new Refusal("token_condition", "the token stands for more than one agent");
  const [entry] = entries;
  if (!entry) throw refuse("token_condition");
  return grantOf(entry, claims, subjectOf(entry, common));
}

function thePersonOf(entries: readonly PeopleIssuer[], claims: Claims, common: CommonClaims): PersonClaim {
  const people = entries.map((entry) => personOf(entry, claims, subjectOf(entry, common)));
  const [first, ...others] = people;
  if (!first || others.some(({ name }) => name !== first.name)) {
    throw new Refusal("token_condition", "the token stands for more than one person");
  }
  return people.find(({ aliases }) => aliases) ?? first;
}

function subjectOf({ issuer, audience }: TrustedIssuer, { sub, jti, exp }: CommonClaims): Grant["subject"] {
  return present({ iss: issuer, sub, jti, aud: audience, exp });
}

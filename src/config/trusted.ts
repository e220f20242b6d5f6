import { z } from "zod";
import { durationField as duration } from "../files/duration_field.js";
import { compileWhen } from "../issuers/when.js";
import { ConditionError } from "../policies/condition/error.js";

/** Signatures that a stranger can check and not forge. */
const algorithms = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA"] as const),
];

const text = z.string().min(1, "must not be empty").max(512);

/** A claim by its name, or by the names on the way to it. */
const claim = z.union([text, z.array(text).min(1).max(8)], {
  error: "write the name of a claim, or the list of names that leads to it",
});

const texts = z.union([text.transform((one) => [one]), z.array(text).min(1).max(64)], {
  error: "write a text or a list of texts",
});

/** What a session is for: texts that are written out, or what a claim says. */
const taskPart = z.union([texts, z.strictObject({ claim })], {
  error: "write a text, a list of texts, or {claim: name}",
});

const jwks = z
  .string("write a path, or an https:// URL")
  .min(1, "write a path, or an https:// URL")
  .refine(
    (place) => !/^[a-z][a-z0-9+.-]*:/i.test(place) || fetchable(place),
    "write a path, or an https:// URL without user and fragment; http:// only on this host",
  );

const when = z
  .string()
  .min(1, "must not be empty")
  .max(4_096)
  .superRefine((condition, context) => {
    try {
      compileWhen(condition);
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      const place = `line ${error.line}, column ${error.column}`;
      context.addIssue({ code: "custom", message: `${error.message} (${place} of the condition)` });
    }
  });

const common = {
  issuer: text.describe("`iss` of the tokens"),
  jwks: jwks.describe("the issuer's keys (JWKS): a file, or a URL"),
  audience: text.describe("`aud` that the tokens must have"),
  algorithms: z.array(z.enum(algorithms)).min(1).describe("the signatures that are accepted"),
  max_ttl: duration("1s", "1d").prefault("1h").describe("longest lifetime of a token that is accepted"),
  when: when.optional().describe("CEL condition on `claims` that has to be true"),
  unverified_email: z
    .boolean()
    .optional()
    .describe("takes a claim `email` also from tokens that do not say `email_verified`; false by default"),
};

const ofAgents = {
  ...common,
  agent: text.describe("id of the agent whom the tokens stand for"),
  scopes: z.array(text).optional().describe("what the agent gets at most; all of its scopes by default"),
  claims: z
    .strictObject({
      session_id: claim.optional(),
      workflow_run_id: claim.optional(),
      initiated_by: claim.optional(),
      role: claim.optional(),
      clearance: claim.optional(),
      agent_model: claim.optional(),
      facts: z.record(text, claim).optional(),
    })
    .default({})
    .describe("which claim says what of the session"),
  task: z
    .strictObject({ service: taskPart.optional(), environment: taskPart.optional(), image: taskPart.optional() })
    .optional()
    .describe("what the session is for"),
};

/** One issuer and what its tokens are good for. */
const entry = z.discriminatedUnion(
  "for",
  [
    z.strictObject({ for: z.literal("exchange"), ...ofAgents }),
    z.strictObject({ for: z.literal("agents"), ...ofAgents }),
    z.strictObject({
      for: z.literal("people"),
      ...common,
      person: claim.default("email").describe("claim that names the person: an id of people.yaml"),
      aliases: z.boolean().optional().describe("the claim may name an alias of people.yaml too; false by default"),
    }),
  ],
  { error: "`for` is exchange, agents or people" },
);

/**
 * `identity.trusted`. A token that is made for one use must not serve for another, so each use has its audience. And
 * which keys speak for an issuer has one answer.
 */
export const trusted = z.array(entry).superRefine((entries, context) => {
  refuseTwoWaysIntoSession(entries, context);
  const uses = new Map<string, string>();
  const places = new Map<string, string>();
  for (const [index, { issuer, audience, for: use, jwks }] of entries.entries()) {
    const known = places.get(issuer);
    if (known !== undefined && known !== jwks) {
      const message = `the keys of this issuer are at ${known} already; write the same place`;
      context.addIssue({ code: "custom", path: [index, "jwks"], message });
    }
    places.set(issuer, jwks);
    const place = JSON.stringify([issuer, audience]);
    const other = uses.get(place);
    if (other !== undefined && other !== use) {
      const message = `the same audience is for ${other} already; give each use one of its own`;
      context.addIssue({ code: "custom", path: [index, "audience"], message });
    }
    uses.set(place, use);
  }
});

/**
 * What an exchange fixes of a session (its task) is in the token that comes of it. A token that opens the same session
 * without an exchange would not have it.
 */
function refuseTwoWaysIntoSession(entries: readonly TrustedIssuer[], context: z.RefinementCtx): void {
  const binding = entries.map((one, index) => ({ one, index })).filter(({ one }) => bindsSession(one));
  for (const { one, index } of binding) {
    if (one.for !== "agents") continue;
    const other = binding.find(
      ({ one: by }) => by.for === "exchange" && by.issuer === one.issuer && sameAgent(by, one),
    );
    if (!other) continue;
    const message = `identity.trusted[${other.index}] opens the same sessions by exchange, and tokens of this entry would come without the task that was fixed there; leave session_id out of one of the two, or remove one`;
    context.addIssue({ code: "custom", path: [index, "claims", "session_id"], message });
  }
}

function bindsSession(one: TrustedIssuer): boolean {
  return one.for !== "people" && one.claims.session_id !== undefined;
}

function sameAgent(a: TrustedIssuer, b: TrustedIssuer): boolean {
  return a.for !== "people" && b.for !== "people" && a.agent === b.agent;
}

/** What is permitted and may be more than was meant; for the operator. */
export function trustedWarnings(entries: readonly TrustedIssuer[]): string[] {
  return entries.flatMap((one, index) =>
    one.for === "people" || one.when !== undefined
      ? []
      : [
          `identity.trusted[${index}] has no \`when\`: whoever gets a token of ${one.issuer} for the audience ${one.audience} is the agent ${one.agent}; on a CI system that others use too, that is everybody`,
        ],
  );
}

export type TrustedIssuer = z.output<typeof entry>;
/** One that agents come by, by exchange or directly. */
export type AgentIssuer = Extract<TrustedIssuer, { for: "exchange" | "agents" }>;
export type PeopleIssuer = Extract<TrustedIssuer, { for: "people" }>;
export type Claim = z.output<typeof claim>;

/** Over plain http somebody in between could put their own keys. */
function fetchable(place: string): boolean {
  if (!URL.canParse(place)) return false;
  const { protocol, username, password, hash, hostname } = new URL(place);
  if (username !== "" || password !== "" || hash !== "") return false;
  const here = hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && here);
}

import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import { Refusal } from "../refusal.js";
import type { Approval } from "../store/store.js";

/** JWT `typ` of an override token; it keeps agent tokens and override tokens apart even where they share a key. */
export const overrideType = "override+jwt";
const issuer = "countersign";
const audience = "urn:countersign:override";

/** Form and bound of what is looked at at all. */
const compactForm = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const maxBytes = 4_096;

const claims = z.object({
  sub: z.string(),
  session: z.string(),
  fingerprint: z.string(),
  jti: z.string().min(1),
  exp: z.number(),
});

/** The proof, for the agent that asked, that this approval was given. Expires with the approval, in whole seconds. */
export async function issueOverride(
  key: SigningKey,
  approval: Pick<Approval, "id" | "agent" | "session" | "fingerprint" | "expiresAtMs">,
): Promise<string> {
  return new SignJWT({ session: approval.session, fingerprint: approval.fingerprint })
    .setProtectedHeader({ alg: key.alg, typ: overrideType, kid: key.kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(approval.agent)
    .setJti(approval.id)
    .setExpirationTime(Math.floor(approval.expiresAtMs / 1000))
    .sign(key.signKey);
}

/**
 * What the token is good for. Throws `Refusal`: `override_expired` when it was this agent's and session's and its time
 * is over, `override_invalid` for everything else. That it was not used before is known only to the store.
 */
export async function verifyOverride(
  token: string,
  context: { key: VerifyKey; now: number; agent: string; session: string },
): Promise<{ approvalId: string; fingerprint: string }> {
  if (token.length > maxBytes || !compactForm.test(token)) throw invalid();
  const { sub, session, jti, fingerprint } = claimsOf(await payloadOf(token, context));
  if (sub !== context.agent || session !== context.session) throw invalid();
  return { approvalId: jti, fingerprint };
}

async function payloadOf(
  token: string,
  context: { key: VerifyKey; now: number; agent: string; session: string },
): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(token, context.key.verifyKey, {
      algorithms: [context.key.alg],
      typ: overrideType,
      issuer,
      audience,
      subject: context.agent,
      requiredClaims: ["exp", "jti", "session", "fingerprint"],
      currentDate: new Date(context.now),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired && error.payload.session === context.session) {
      throw new Refusal("override_expired", "the override token has expired", { cause: error });
    }
    if (error instanceof errors.JOSEError) throw invalid(error);
    throw error;
  }
}

function claimsOf(payload: unknown): z.infer<typeof claims> {
  const parsed = claims.safeParse(payload);
  if (!parsed.success) throw invalid(parsed.error);
  return parsed.data;
}

function invalid(cause?: unknown): Refusal {
  return new Refusal("override_invalid", "the override token does not hold", cause === undefined ? {} : { cause });
}

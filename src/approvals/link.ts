import { z } from "zod";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import { readSignedToken, signToken, type TokenKind } from "./signed_token.js";

/** JWS `typ` of a link. */
export const linkType = "approval-link+jwt";

const claims = z.object({ sub: z.string().min(1).max(64), agent: z.string().min(1).max(256).exactOptional() });
const kind: TokenKind<z.infer<typeof claims>> = {
  typ: linkType,
  aud: "urn:countersign:approval-link",
  claims,
  maxBytes: 2_048,
};

/** Longest time that a link holds, however it was made: a day. */
export const maxLinkMs = 86_400_000;

/** Which approval a link opens. It shows this one, and decides nothing. */
export interface ApprovalLink {
  id: string;
  /** Whose it is, where that is known: who knows the agent finds it faster. */
  agent?: string;
}

/** The token of a link. With `expiresAtMs`, the approval's, it ends with it at the latest. */
export function issueLink(
  key: SigningKey,
  { id, agent, expiresAtMs = Number.POSITIVE_INFINITY }: ApprovalLink & { expiresAtMs?: number },
  ttlMs: number,
  now: number,
): string {
  const holdsMs = Math.max(0, Math.min(ttlMs, maxLinkMs, expiresAtMs - now));
  return signToken(key, kind, { sub: id, ...(agent !== undefined && { agent }) }, { nowMs: now, ttlMs: holdsMs });
}

/** What the link opens and until when; `null` when it does not hold. */
export async function verifyLink(
  key: VerifyKey,
  token: string,
  now: number,
): Promise<(ApprovalLink & { expiresAtMs: number }) | null> {
  const read = await readSignedToken(key, kind, token, { nowMs: now, maxAgeMs: maxLinkMs });
  if (!read) return null;
  const { sub: id, agent } = read.claims;
  return { id, ...(agent !== undefined && { agent }), expiresAtMs: read.expiresAtMs };
}

import { type ApprovalLink, verifyLink } from "../approvals/link.js";
import type { SigningKey } from "../keys/keys.js";
import type { Person, Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import { type PageAssets, pageAssets } from "./assets.js";
import { type PageCookies, pageCookies, RepeatedCookie } from "./cookies.js";
import type { OidcSignIn } from "./oidc.js";
import { ownOrigin, type Provenance } from "./origin.js";
import { type FailurePace, failurePace } from "./pace.js";
import { type BrowserSession, type PageSessions, pageSessions } from "./session.js";

/** What the cookies of a browser prove. */
export interface Visitor {
  session: BrowserSession | null;
  /** The approval that a link has opened here. */
  link: ApprovalLink | null;
}

/** The page `/approvals`, as the HTTP API serves it. */
export interface Page {
  assets: PageAssets;
  cookies: Pick<PageCookies, "set" | "clear">;
  /** The cookies of ours in these `Cookie` headers; none when there are two of one name. */
  sent(headers: readonly string[]): ReturnType<PageCookies["read"]>;
  sessions: PageSessions;
  /** `undefined` when it is nobody's. */
  personByToken(token: string): Person | undefined;
  /** `null` = people sign in by tokens only. */
  oidc: OidcSignIn | null;
  pace: FailurePace;
  /** True for a request that one of our own pages sent. */
  isOwn(from: Provenance): boolean;
  /** What a link opens, and until when; `null` when it does not hold. */
  link(token: string): Promise<(ApprovalLink & { expiresAtMs: number }) | null>;
  /** `null` when the cookies prove nothing. */
  visitor(headers: readonly string[]): Promise<Visitor | null>;
  /** How long somebody stays signed in. */
  sessionMs: number;
  now: () => number;
}

export interface PageDeps {
  key: SigningKey;
  registry: () => Registry;
  runtime: Pick<Runtime, "now" | "monotonicMicros">;
  publicUrl: string;
  sessionMs: number;
  oidc: { issuer: string; signIn: OidcSignIn } | null;
}

export function approvalsPage({ key, registry, runtime, publicUrl, sessionMs, oidc }: PageDeps): Page {
  const cookies = pageCookies(publicUrl);
  const provider = oidc?.issuer ?? null;
  const sessions = pageSessions({ key, registry, provider, ttlMs: sessionMs, now: runtime.now });
  const sent = (headers: readonly string[]) => readOnce(cookies, headers);
  const link = (token: string) => verifyLink(key, token, runtime.now());
  return {
    assets: pageAssets(),
    cookies,
    sent,
    sessions,
    personByToken: (token) => registry().personByToken(token),
    oidc: oidc?.signIn ?? null,
    pace: failurePace(() => runtime.monotonicMicros() / 1000),
    isOwn: ownOrigin(publicUrl),
    link,
    async visitor(headers) {
      const found = sent(headers);
      const [session, opened] = await Promise.all([
        found.session === undefined ? null : sessions.read(found.session),
        found.link === undefined ? null : link(found.link),
      ]);
      return session || opened ? { session, link: opened } : null;
    },
    sessionMs,
    now: runtime.now,
  };
}

function readOnce(cookies: PageCookies, headers: readonly string[]): ReturnType<PageCookies["read"]> {
  try {
    return cookies.read(headers);
  } catch (error) {
    if (error instanceof RepeatedCookie) return {};
    throw error;
  }
}

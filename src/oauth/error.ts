import { AuditUnavailable } from "../audit/record.js";
import { refusalOf } from "../reasons.js";
import { Refusal } from "../refusal.js";
import { StoreUnavailable } from "../store/store.js";

/** Error codes of the token endpoint with their status. */
const statuses = {
  // RFC 6749 section 5.2
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  // RFC 8693 section 2.2.2
  invalid_target: 400,
  // RFC 9396 section 5
  invalid_authorization_details: 400,
  // RFC 6749 section 4.1.2.1; section 5.2 has none of its own for it.
  temporarily_unavailable: 503,
} as const;

export type OAuthErrorCode = keyof typeof statuses;

/** Every code, for the page and its test. */
export const oauthErrorCodes = Object.keys(statuses) as OAuthErrorCode[];

/** A refusal of the token or the revocation endpoint. The message is shown to whoever asked. */
export class OAuthError extends Error {
  override readonly name = "OAuthError";
  /** As an HTTP status. */
  readonly status: number;
  /** Of the closed table of reasons; it says more than the code. */
  readonly reason: string | undefined;
  /** When the same request may succeed. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: OAuthErrorCode,
    description: string,
    more: { reason?: string; status?: 413 | 415 | 429; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(description, more.cause === undefined ? undefined : { cause: more.cause });
    this.status = more.status ?? statuses[code];
    this.reason = more.reason;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/** The body of an error answer (RFC 6749 section 5.2), with our reason where there is one. */
export function oauthErrorBody({ code, message, reason }: OAuthError): Record<string, string> {
  return { error: code, error_description: describable(message), ...(reason !== undefined && { reason }) };
}

/** What the client is told of an error of any kind; `null` for one that is ours and not to be explained. */
export function asOAuthError(error: unknown): OAuthError | null {
  if (error instanceof OAuthError) return error;
  if (error instanceof StoreUnavailable) return unavailable("store_unavailable", "the store did not answer", error);
  if (error instanceof AuditUnavailable) {
    return unavailable("audit_unavailable", "it could not be recorded", error);
  }
  if (error instanceof Refusal && refusalOf(error.reason).status === 503) {
    return unavailable(error.reason, error.detail, error);
  }
  return null;
}

/** Something that the answer needs does not work; the same request may succeed later. */
export function unavailable(reason: string, description: string, cause: unknown): OAuthError {
  return new OAuthError("temporarily_unavailable", `${description}; try again later`, { reason, cause });
}

/** The characters that `error_description` may have. */
function describable(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x5b\x5d-\x7e]/g, "?");
}

import type { Limit } from "./outcome.js";
import type { RefusalReason } from "./reasons.js";
import type { TokenClaims } from "./token_claims.js";
import type { Violation } from "./verdict.js";

/** What is proven of a caller whose credential is refused all the same. */
export interface Proven {
  agent: string;
  token: TokenClaims | null;
}

/**
 * A stage's way to say no. `detail` is shown to the agent, so it must hold nothing internal;
 * what only the operator may see goes into `cause`, which is logged and never answered.
 */
export class Refusal extends Error {
  readonly reason: RefusalReason;
  readonly violations: readonly Violation[];
  /** Of a refusal with status 429. */
  readonly limit: Limit | undefined;
  readonly proven: Proven | undefined;

  constructor(
    reason: RefusalReason,
    detail: string,
    more: { violations?: readonly Violation[]; limit?: Limit; proven?: Proven; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "Refusal";
    this.reason = reason;
    this.violations = more.violations ?? [];
    this.limit = more.limit;
    this.proven = more.proven;
  }

  get detail(): string {
    return this.message;
  }
}

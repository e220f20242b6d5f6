import type { Limit } from "./outcome.js";
import { type RefusalReason, refusalOf } from "./reasons.js";
import type { TokenClaims } from "./token_claims.js";
import type { Violation } from "./verdict.js";

/** What is proven of a caller whose credential is refused all the same. */
export interface Proven {
  agent: string;
  token: TokenClaims | null;
}

/**
 * A stage's way to say no. `detail` is shown to the agent, so it must hold nothing internal;
 * what only the operator may see goes into `cause`, which is logged and never answered. It has a stack only where the
 * operator is to look for a failure: with a cause, and where the authorizer could not decide.
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
    // Collecting a stack costs eight times what the rest does, and whoever sends refused calls would choose how often.
    const { stackTraceLimit } = Error;
    if (more.cause === undefined && refusalOf(reason).error !== "Unavailable") Error.stackTraceLimit = 0;
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    Error.stackTraceLimit = stackTraceLimit;
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

import type { RefusalReason } from "./reasons.js";
import type { Violation } from "./verdict.js";

/**
 * A stage's way to say no. `detail` is shown to the agent, so it must hold nothing internal;
 * what only the operator may see goes into `cause`, which is logged and never answered.
 */
export class Refusal extends Error {
  readonly reason: RefusalReason;
  readonly violations: readonly Violation[];

  constructor(
    reason: RefusalReason,
    detail: string,
    more: { violations?: readonly Violation[]; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "Refusal";
    this.reason = reason;
    this.violations = more.violations ?? [];
  }

  get detail(): string {
    return this.message;
  }
}

import { z } from "zod";
import { momentOf } from "../audit/span.js";
import { verdicts } from "../verdict.js";
import { longestCursor } from "./cursor.js";
import type { Equality, Filter } from "./filter.js";
import { pageLimits } from "./page.js";
import { kinds } from "./readable.js";

const word = z.string().min(1).max(512).exactOptional();
const moment = z.string().min(1).max(64).exactOptional();
const answers = ["approve", "revoke"] as const;

const members = {
  decision_id: word,
  deployment_id: word,
  agent_id: word,
  session_id: word,
  tool: word,
  action: word,
  service: word,
  environment: word,
  decision: z.enum([...verdicts, ...answers]).exactOptional(),
  enforced: z.enum(verdicts).exactOptional(),
  reason: word,
  kind: z.enum(kinds).exactOptional(),
  approval_id: word,
  request_id: word,
} satisfies Record<Equality, z.ZodType>;

/** `from` and `to` as they are written. */
export const spanParameters = { from: moment, to: moment };

/** Filters as they are written, each by its name. */
export const filterParameters = z.strictObject({ ...members, approver: word, ...spanParameters });

/** Filters and page as query parameters. */
export const pageParameters = filterParameters.extend({
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .pipe(z.int().min(pageLimits.least).max(pageLimits.most))
    .default(pageLimits.usual),
  cursor: z.string().min(1).max(longestCursor).exactOptional(),
});

/** A time that cannot be read, or a span that holds nothing. */
export class BadSpan extends Error {
  override readonly name = "BadSpan";
}

/** The span that two texts name, with the ends that are missing left open. Throws `BadSpan`. */
export function spanFrom({ from, to }: { from?: string; to?: string }, nowMs: number): Pick<Filter, "fromMs" | "toMs"> {
  const span = {
    ...(from !== undefined && { fromMs: momentFrom("from", from, nowMs) }),
    ...(to !== undefined && { toMs: momentFrom("to", to, nowMs) }),
  };
  if (span.fromMs !== undefined && span.toMs !== undefined && span.fromMs >= span.toMs) {
    throw new BadSpan("from must be before to");
  }
  return span;
}

function momentFrom(name: string, text: string, nowMs: number): number {
  const at = momentOf(text, nowMs);
  if (at !== null) return at;
  throw new BadSpan(`${name}: write a time as 2026-03-01T00:00:00Z, or a duration back from now as 7d or 24h`);
}

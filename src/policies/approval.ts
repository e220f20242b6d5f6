import { z } from "zod";
import { durationField } from "../files/duration_field.js";
import type { ActionDocument } from "./document.js";
import { rule } from "./rule.js";

/** A CEL expression, or plainly yes or no. */
const condition = z.union([z.string().min(1), z.boolean()]);

const examples = "30s, 15m or 24h";
const groups = z.array(z.string().min(1)).min(1);

/** Whom else an approval goes to that nobody has decided. */
const escalate = z.strictObject({
  after: durationField("1s", "30d", examples).describe("how long the first ones have to themselves: 10m"),
  to: groups.describe("groups of people.yaml that are told then, and may answer too"),
});

/** `approval_needed`: when people have to approve. */
export const approvalNeededSchema = rule(
  condition,
  "when people have to approve first: a CEL condition, true or false",
);

/** `approval`: the same as `when`, and how the approval has to be given. */
export const approvalSchema = z
  .strictObject({
    when: rule(condition, "when people have to approve first: a CEL condition, true or false").optional(),
    approvers: groups.optional().describe("groups of people.yaml; one is enough"),
    quorum: z.int().min(1).max(100).optional().describe("distinct people that have to approve"),
    expires_in: durationField("1s", "30d", examples).optional().describe("how long people have to answer: 30m"),
    hold: durationField("1s", "10m", examples).optional().describe("how long the call waits for the answer: 20s"),
    escalate: escalate.optional().describe("whom else to ask when nobody has decided for so long"),
  })
  .refine((value) => Object.keys(value).length > 0, "say `when`, or how the approval has to be given");

export type ApprovalSource = z.output<typeof approvalSchema>;

/** What an entry asks of an approval; `null` when it asks nothing. */
export function termsOf(approval: ApprovalSource): ActionDocument["terms"] | null {
  const { approvers, quorum, expires_in: expires, hold, escalate } = approval;
  const terms = {
    ...(approvers && { approvers: unique(approvers) }),
    ...(quorum !== undefined && { quorum }),
    ...(expires !== undefined && { expires_in_ms: expires }),
    ...(hold !== undefined && { hold_ms: hold }),
    ...(escalate && { escalate: { after_ms: escalate.after, to: unique(escalate.to) } }),
  };
  return Object.keys(terms).length > 0 ? terms : null;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

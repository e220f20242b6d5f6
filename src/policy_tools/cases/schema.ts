import { z } from "zod";
import { durationForm } from "../../duration.js";
import { verdicts } from "../../verdict.js";
import { callSchema } from "../call_schema.js";

const verdict = z.enum(verdicts);
const value = z.unknown();
const changes = z
  .strictObject({
    set: z.record(z.string(), z.string()).optional(),
    remove: z.array(z.string()).optional(),
  })
  .optional();
const duration = z.string().regex(durationForm, "write a duration as 30s, 15m or 24h");

/** What a case wants of the answer; what it does not name may be anything. */
export const wantSchema = z.strictObject({
  decision: verdict.optional().describe("the verdict, as if every rule were enforced"),
  enforced: verdict.optional().describe("the verdict without the rules in shadow"),
  reason: z.string().min(1).optional().describe("the reason of the decision"),
  violations: z
    .array(
      z.strictObject({
        rule: z.string().optional(),
        param: z.string().optional(),
        limit: value.optional(),
        actual: value.optional(),
        message: z.string().optional(),
      }),
    )
    .optional()
    .describe("every broken rule in order; of each only what is named here counts"),
  sanitize: z
    .strictObject({ headers: changes, query: changes })
    .optional()
    .describe("what is changed in the call; only what is named here counts"),
  tags: z.array(z.string()).optional().describe("what the data in the call is, sorted"),
  cost: z.number().min(0).optional().describe("what policies make the call cost; 0 when none says"),
  terms: z
    .strictObject({
      approvers: z.array(z.array(z.string())).optional(),
      quorum: z.int().min(1).optional(),
      expires_in: duration.optional(),
      hold: duration.optional(),
      escalate: z
        .strictObject({
          after: duration.optional(),
          to: z.array(z.string()).optional(),
          approvers: z.array(z.array(z.string())).optional(),
        })
        .optional(),
    })
    .optional()
    .describe("how the approval has to be given; only what is named here counts"),
});

export type Want = z.output<typeof wantSchema>;

/** A file of cases for `countersign policy test`. */
export const caseFileSchema = z.strictObject({
  description: z.string().min(1).optional().describe("what these cases are about"),
  input: callSchema.optional().describe("what all cases of the file have in common"),
  cases: z
    .array(
      z.strictObject({
        description: z.string().min(1).describe("what is shown, in one sentence"),
        input: callSchema.optional().describe("the call, laid over the file's input (RFC 7396, JSON merge patch)"),
        want: wantSchema.describe("what the policies have to say"),
      }),
    )
    .min(1),
});

export type CaseFileSource = z.output<typeof caseFileSchema>;

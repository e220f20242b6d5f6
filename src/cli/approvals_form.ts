import { z } from "zod";

/** What the CLI shows of an approval; the server may say more. */
export const approvalForm = z.looseObject({
  id: z.string(),
  status: z.string(),
  shown: z.string(),
  call: z.record(z.string(), z.json()),
  reason: z.string(),
  violations: z.array(z.looseObject({ rule: z.string(), message: z.string() })),
  requested_by: z.looseObject({ agent: z.string(), initiated_by: z.string().optional() }),
  quorum: z.int(),
  approvers: z.array(z.array(z.string())),
  escalation: z.looseObject({ at: z.string(), to: z.array(z.string()) }).optional(),
  cost: z.number(),
  expires_at: z.string(),
  decisions: z.array(
    z.looseObject({ approver: z.string(), decision: z.string(), comment: z.string().optional(), at: z.string() }),
  ),
  risk: z
    .looseObject({
      session: z
        .looseObject({ integrity: z.string(), anomalies: z.int(), data_classification: z.array(z.string()) })
        .nullable(),
      history: z.looseObject({
        approved: z.int(),
        denied: z.int(),
        expired: z.int(),
        same_action: z.looseObject({ approved: z.int(), denied: z.int() }),
      }),
    })
    .optional(),
});
export type ShownApproval = z.infer<typeof approvalForm>;

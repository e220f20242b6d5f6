import { z } from "zod";
import type { RecordPlace } from "../../../src/audit_query/place.js";
import { kinds } from "../../../src/audit_query/readable.js";
import type { UnreadableLine } from "../../../src/audit_query/search.js";
import type { Json } from "../../../src/call.js";
import { questions, statuses } from "../../../src/evidence/answer.js";
import type { AgentScopes, ScopesReport } from "../../../src/evidence/scopes.js";
import type { ServedEvidence } from "../../../src/http/audit.js";

const time = z.string().describe("RFC 3339 UTC");
const unreadable = z
  .array(z.strictObject({ writer: z.string(), file: z.string(), line: z.int().min(1) }))
  .describe("lines that were read and hold no record") satisfies z.ZodType<UnreadableLine[]>;

const use = { calls: z.int().min(0), last: time.nullable() };
const action = z.strictObject({ tool: z.string().nullable(), action: z.string().nullable(), ...use });
const grant = z.strictObject({
  scope: z.string(),
  enough: z.array(z.string()).nullable().describe("of a wildcard: the scopes that would have been enough"),
  ...use,
});
const agent = z.strictObject({
  agent_id: z.string(),
  registered: z.boolean(),
  disabled: z.boolean(),
  roles: z.array(z.string()),
  grants: z.array(grant),
  token_scopes: z.array(grant),
  used: z.array(action),
  exceeded: z.array(action),
  cut: z.boolean().describe("whether there was more than is told apart"),
}) satisfies z.ZodType<AgentScopes>;

const place = z.strictObject({
  writer: z.string(),
  seq: z.int().min(1),
  kind: z.enum(kinds),
  decision_id: z.string().nullable(),
  timestamp: time,
  sha256: z.string().describe("of the line, as `prev` of the next record has it"),
}) satisfies z.ZodType<RecordPlace>;

/** What the routes of auditors answer. */
export const auditAnswers = {
  AuditPage: z.strictObject({
    records: z.array(z.looseObject({ kind: z.enum(kinds), timestamp: time, writer: z.string(), seq: z.int().min(1) })),
    next: z.string().nullable().describe("cursor of the next page"),
    unreadable,
  }),
  ScopesReport: z.strictObject({
    covered: z.strictObject({ from: time.nullable(), to: time.nullable(), complete: z.boolean() }),
    agents: z.array(agent),
    unreadable,
  }) satisfies z.ZodType<ScopesReport>,
  DeploymentEvidence: z.strictObject({
    deployment_id: z.string(),
    from: time,
    to: time,
    answers: z.array(
      z.strictObject({
        question: z.enum(Object.keys(questions) as (keyof typeof questions)[]),
        status: z.enum(statuses),
        answer: z.string(),
        facts: z.record(z.string(), z.unknown() as z.ZodType<Json>),
        records: z.array(place),
      }),
    ),
    signatures: z.enum(["hold", "broken", "unchecked"]),
    broken: z.array(place),
    unreadable,
    complete: z.boolean(),
    verified: z.literal(false).describe("chains were not checked"),
  }) satisfies z.ZodType<ServedEvidence>,
} satisfies Record<string, z.ZodType>;

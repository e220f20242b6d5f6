import { z } from "zod";
import type { Documents } from "../policies/join.js";
import { agentName } from "../policies/names.js";
import { isCountable } from "../store/check.js";
import { InvalidBundle } from "./error.js";

const mode = z.enum(["enforce", "shadow"]);
const texts = z.array(z.string());

const rate = z
  .strictObject({ interval_us: z.int(), burst: z.int() })
  .refine(
    ({ interval_us, burst }) => isCountable({ intervalUs: interval_us, burst }),
    "is a rate that nobody can count",
  );

const budget = z.int().min(0).optional();
const limitSet = z.strictObject({
  rate: rate.optional(),
  tools: z.record(z.string().min(1), rate).optional(),
  daily_budget_micro: budget,
  session_budget_micro: budget,
});

const changes = z.looseObject({ set: z.record(z.string(), z.string()), remove: texts, redact: texts });

const action = z.looseObject({
  name: z.string(),
  rules: z.array(z.looseObject({ rule: z.string(), kind: z.string(), mode })),
  sanitize: z.looseObject({ headers: changes, query: changes }).optional(),
});

/**
 * What this program reads of a document by itself. The rest is read by the Rego program, which decides nothing on a
 * document that is not sound.
 */
const document = z.strictObject({
  mode,
  failure_mode: mode,
  files: z.array(z.looseObject({ file: z.string(), grants: z.boolean(), actions: z.array(action) })),
  limits: z.strictObject({ enforced: limitSet.optional(), shadow: limitSet.optional() }),
  needs: z.strictObject({
    detectors: texts,
    patterns: z.array(z.strictObject({ name: z.string(), pattern: z.string() })),
    zones: texts,
    rego: texts,
    session: z.boolean(),
  }),
});

const data = z.strictObject({ policies: z.record(agentName, document) });

/** Takes the documents out of `data.json`. Throws `InvalidBundle` for another root, and documents of another form. */
export function documentsOf(value: unknown): Documents {
  const result = data.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const place = issue?.path.length ? `: ${issue.path.join(".")}` : "";
    throw new InvalidBundle(`data.json is not what this program reads${place}: ${issue?.message}`);
  }
  // As they stand in the file: what validation would add or leave out is not what the version was made of.
  const documents = new Map(Object.entries((value as { policies: object }).policies)) as Documents;
  if (!documents.has("*")) throw new InvalidBundle('data.json has no policies for "*", the agents that no file names');
  return documents;
}

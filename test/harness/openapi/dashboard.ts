import { z } from "zod";
import { dashboardQuery } from "../../../src/http/dashboard.js";
import type { DashboardView } from "../../../src/stats/dashboard.js";
import { type Verdict, verdicts } from "../../../src/verdict.js";
import { answer, guarded, type Operation, problems } from "./operation.js";

const instant = () => z.iso.datetime().describe("RFC 3339 UTC");
const count = z.int().min(0);
const of = <T extends z.ZodType>(one: T) =>
  z.strictObject(Object.fromEntries(verdicts.map((verdict) => [verdict, one])) as Record<Verdict, T>);
const numbers = z.array(z.int().min(0).nullable()).describe("one for each step; null before `since`");
const latency = z.int().min(0).nullable().describe("microseconds; null when there was no decision");

/** The answer of `GET /v1/dashboard`. */
export const dashboardSchema = z.strictObject({
  since: instant().describe("decisions are counted from then on; RFC 3339 UTC"),
  started_at: instant().describe("when this process started; what is older was read from its records"),
  at: instant(),
  window: z.enum(["1h", "6h", "24h"]),
  step_s: z.int(),
  series: z.strictObject({
    at: z.array(z.int()).describe("when each step begins, in seconds since the epoch; the last one is still going on"),
    enforced: of(numbers).describe("calls by what was done with them"),
    would_block: numbers,
    p50_us: z.array(latency),
    p90_us: z.array(latency),
    p99_us: z.array(latency),
  }),
  totals: z.strictObject({
    decisions: count,
    blocked: count,
    blocked_ratio: z.number().min(0).max(1).nullable(),
    would_block: count.describe("let through, and refused or held for approval had everything been enforced"),
    enforced: of(count).describe("what was done"),
    decided: of(count).describe("what the policies said"),
  }),
  agents: z.array(
    z.strictObject({
      who: z.enum(["agent", "unknown", "other"]).describe("unknown: callers whom nobody knows"),
      agent_id: z.string().nullable(),
      calls: count,
      blocked: count,
      would_block: count,
    }),
  ),
  rules: z.array(
    z.strictObject({ rule: z.string().nullable().describe("null: all others"), blocked: count, would_block: count }),
  ),
  latency: z
    .strictObject({ p50_us: latency, p90_us: latency, p99_us: latency })
    .describe("of decisions; refusals that were read back from a record that counts several have their mean"),
  approvals: z
    .strictObject({ pending: count, more: z.boolean(), oldest_at: instant().nullable() })
    .nullable()
    .describe("null when the store does not answer"),
  budgets: z.array(
    z.strictObject({
      agent_id: z.string(),
      limit: z.literal("daily_budget"),
      mode: z.enum(["enforce", "shadow"]),
      used: z.number(),
      of: z.number(),
      share: z.number(),
      projected_share: z.number().describe("at the end of the day, if it goes on as in the last 60 minutes"),
      burn_per_hour: z.number(),
      exhausted_at: instant().nullable(),
      resets_at: instant(),
    }),
  ),
  budgets_unknown: count.describe("agents with a budget, for whom the store did not answer"),
  budgets_left: count.describe("agents with a budget that were too many to be asked about"),
  policy_version: z.string(),
  mode: z.enum(["enforce", "shadow", "dry_run"]),
  health: z.strictObject({ ready: z.boolean(), parts: z.record(z.string(), z.enum(["ok", "trouble"])) }),
}) satisfies z.ZodType<DashboardView>;

const page = (id: string, summary: string): Operation => ({
  id,
  summary,
  description: "It shows nothing by itself, and asks this API as whoever has signed in.",
  tag: "page",
  answers: { 200: { description: "the page", content: { "text/html": "text" } }, ...problems(500) },
});

export const dashboardOperations = {
  "GET /v1/dashboard": {
    id: "getDashboard",
    summary: "What this server has decided lately, and how things stand",
    tag: "operation",
    query: { schema: dashboardQuery, says: { window: "how far to look back" } },
    answers: { ...answer("Dashboard", "numbers of this process"), ...problems(400, ...guarded) },
  },
  "GET /dashboard": page("getDashboardPage", "The page with numbers, charts and records"),
  "GET /dashboard/decisions/:id": {
    ...page("getDecisionPage", "The same page, at one decision"),
    path: { id: "id of the decision" },
  },
  "GET /dashboard/deployments/:id": {
    ...page("getDeploymentPage", "The same page, at one deployment"),
    path: { id: "id of the deployment" },
  },
} satisfies Record<string, Operation>;

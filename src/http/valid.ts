import type { z } from "zod";
import { HttpProblem } from "./problem.js";

/** What was given, in the form of the schema. `where` it was given begins the refusal. Throws `HttpProblem` 400. */
export function valid<T>(schema: z.ZodType<T>, given: unknown, where: "body" | "query"): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = [where, ...(issue?.path ?? [])].join(".");
  throw new HttpProblem(400, "malformed_parameter", `${place}: ${issue?.message ?? "not valid"}`);
}

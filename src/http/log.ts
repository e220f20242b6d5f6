import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Json } from "../call.js";
import { durationField } from "../files/duration_field.js";
import { type LogLevels, type LogLevelView, logLevels, longestFor } from "../telemetry/log_level.js";
import { HttpProblem } from "./problem.js";
import { valid } from "./valid.js";

export const logLevelBody = z.strictObject({
  level: z.enum(logLevels),
  for: durationField("1s", longestFor, "10m or 1h").nullable().default(null),
});

/** `/v1/log`: how much is logged, and more or less of it for a while. */
export function logRoutes(app: FastifyInstance, levels: Pick<LogLevels, "show" | "set">): void {
  app.get("/v1/log", async () => shown(levels.show()));

  app.put<{ Body: Json }>("/v1/log", async ({ body, principal }) => {
    const { level, for: forMs } = valid(logLevelBody, body, "body");
    if (principal?.kind !== "person") throw new Error("a people's route without a person");
    return shown(await levels.set(level, forMs, principal.person.id));
  });
}

function shown(view: LogLevelView | null): LogLevelView {
  if (view) return view;
  throw new HttpProblem(409, "log_off", "the configuration turns the log off (telemetry.log)");
}

import { z } from "zod";
import { durationField as duration } from "../files/duration_field.js";

const url = z.url({ protocol: /^https?$/, error: "write an http:// or https:// URL" });

const collectorForm = "write a URL, or {url, protocol, headers_file}";

/** An OpenTelemetry collector. */
const collector = z.strictObject({
  url,
  protocol: z.enum(["http", "grpc"]).default("http"),
  headers_file: z.string().min(1).optional(),
});

/** What operators see of decisions, beside the records. */
export const telemetry = z.strictObject({
  otlp: z
    .union([url.transform((base): z.output<typeof collector> => ({ url: base, protocol: "http" })), collector], {
      error: collectorForm,
    })
    .optional()
    .describe(
      "an OpenTelemetry collector: its base URL (OTLP over HTTP), or `{url, protocol, headers_file}`; without it spans go nowhere",
    ),
  sampling: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("share of passing calls whose spans are sent, 0 to 1; spans of blocked calls and of failures always are"),
  slow_stage: duration("0s", "1m").prefault("5ms").describe("a stage that takes as long has a span of its own"),
  log: z.enum(["json", "off"]).default("json").describe("one JSON object per line on standard output, or nothing"),
  log_level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("least level that is logged"),
});

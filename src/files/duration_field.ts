import { z } from "zod";
import { durationForm, parseDuration } from "../duration.js";

/** A duration in milliseconds, written like the examples, and within the bounds, which are written so too. */
export function durationField(least: string, most: string, examples = "250ms, 15m or 24h") {
  const [min, max] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  const error = `write a duration as ${examples}`;
  return z
    .string(error)
    .regex(durationForm, { error, abort: true })
    .transform((text) => parseDuration(text) ?? 0)
    .refine((ms) => ms >= min && ms <= max, `must be from ${least} to ${most}`);
}

import { z } from "zod";
import { detectors } from "../../dlp/detectors.js";
import { anyKeys, standing } from "../rule.js";
import { type CompiledRule, ruleKey } from "./rule_key.js";

const acts = ["redact", "deny", "tag"] as const;

const detectorName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, "a detector's name is lower-case letters, digits and _")
  .refine((name) => detectors.get(name)?.kind !== "payload", "this is for `forbid` of a parameter");

const entry = z.union([
  z.enum(acts, { error: "expected redact, deny or tag, or a map with an `action`" }),
  z.strictObject({
    action: z.enum(acts),
    pattern: z.string().min(1).optional(),
    tag: z.string().min(1).optional(),
    ...standing,
  }),
]);

export const isBuiltIn = (name: string): boolean => detectors.has(name);

/** `dlp`: what becomes of a call in which a detector finds something. */
export const dlp = ruleKey(
  anyKeys(z.record(detectorName, entry)).describe("what becomes of data that must not leave, by detector"),
  (written, { mistake, patternMistake }) =>
    Object.entries(written).map(([detector, said]): CompiledRule => {
      const { action, pattern, tag, ...standing } = typeof said === "string" ? { action: said } : said;
      if (isBuiltIn(detector) && pattern !== undefined) {
        mistake([detector, "pattern"], `\`${detector}\` is built in; give a detector of your own another name`);
      }
      if (!isBuiltIn(detector) && pattern === undefined) {
        mistake([detector], `no detector \`${detector}\` is built in, so it needs a \`pattern\``);
      }
      const wrong = pattern === undefined ? null : patternMistake(pattern);
      if (wrong !== null) mistake([detector, "pattern"], `${JSON.stringify(pattern)} ${wrong}`);
      if (tag !== undefined && action !== "tag") mistake([detector, "tag"], "a `tag` is for `action: tag`");
      if (action === "tag") return { kind: "dlp_tag", detector, tag: tag ?? detector, standing };
      return { kind: action === "deny" ? "dlp_deny" : "dlp_redact", detector, standing };
    }),
);

/** The user's own detectors of a `dlp` key. */
export function patternsOf(written: z.output<typeof dlp.schema> = {}): { name: string; pattern: string }[] {
  return Object.entries(written).flatMap(([name, said]) =>
    typeof said !== "string" && said.pattern !== undefined ? [{ name, pattern: said.pattern }] : [],
  );
}

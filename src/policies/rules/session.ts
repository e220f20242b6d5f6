import { z } from "zod";
import type { Path } from "../../files/located_yaml.js";
import type { Place } from "../../files/scalar_place.js";
import { conditionWritten } from "../condition/written.js";
import type { OfSession, RuleBody } from "../document.js";
import { anyKeys, rule } from "../rule.js";
import { type RuleContext, ruleKey } from "./rule_key.js";

const name = z.string().min(1);

/** What it names becomes part of a reason, and so of metric labels and answers. */
const classification = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, "a classification is up to 64 letters, digits and _ . -");

const requirement = z
  .strictObject({
    when: name.optional().describe("for which calls of the action: a CEL condition; every call without one"),
    roles: z.array(name).min(1).optional().describe("roles, one of which has to be behind the session"),
    integrity: z.literal("clean").optional().describe("the session has to be clean"),
    no_anomalies: z.literal(true).optional().describe("true: there must have been no anomaly in the session"),
    clearance: anyKeys(
      z.record(classification, z.union([name, z.array(name).min(1)], "expected a clearance, or a list of them")),
    )
      .refine((map) => Object.keys(map).length > 0, "name the data, and the clearance that it takes")
      .optional()
      .describe("by classification: clearances, one of which it takes once the session has had access to such data"),
  })
  .refine(({ when: _, ...asked }) => Object.values(asked).some((value) => value !== undefined), {
    message: "require something: `roles`, `integrity`, `no_anomalies` or `clearance`",
  });

type Requirement = z.output<typeof requirement>;

/** `require`: what the session of a call has to be. Each map also takes a session that the agent's credential binds. */
export const requireSession = ruleKey(
  rule(
    z.union([requirement, z.array(requirement).min(1)]),
    "what the session has to be: a map, or a list of maps that all hold",
  ),
  ({ value, at, ...standing }, context) => {
    const named = Array.isArray(value)
      ? value.flatMap((one, index) => compileOne(one, [...at, index], context))
      : compileOne(value, at, context);
    return named.filter(isFirst).map((one) => ({ ...one, standing }));
  },
);

/** The rules have their own reasons. */
type Named = RuleBody & { rule: string };

function compileOne(written: Requirement, at: Path, { patternMistake, mistake }: RuleContext): Named[] {
  const { when: source, roles, integrity, no_anomalies: noAnomalies, clearance = {} } = written;
  const told = (message: string, within?: Place): void => mistake([...at, "when"], message, within);
  const condition = source === undefined ? null : conditionWritten(source, { patternMistake, mistake: told });
  const when: OfSession = source !== undefined && condition ? { when: { source, condition } } : {};
  return [
    { rule: "session_unbound", kind: "session_bound", ...when },
    ...(roles ? [{ rule: "session_role", kind: "session_role", values: roles, ...when } as const] : []),
    ...(integrity ? [{ rule: "session_not_clean", kind: "session_integrity", ...when } as const] : []),
    ...(noAnomalies ? [{ rule: "session_anomalies", kind: "session_anomalies", ...when } as const] : []),
    ...Object.entries(clearance).map(([touched, cleared]): Named => {
      const values = [cleared].flat();
      return {
        rule: `session_touched_${touched}`,
        kind: "session_clearance",
        classification: touched,
        values,
        ...when,
      };
    }),
  ];
}

/** Several maps for the same calls ask for one bound session. */
function isFirst(rule: Named, index: number, all: readonly Named[]): boolean {
  if (rule.kind !== "session_bound") return true;
  const same = (other: Named) => other.kind === rule.kind && other.when?.source === rule.when?.source;
  return all.findIndex(same) === index;
}

import type { Json } from "../call.js";
import type { Condition } from "../policies/condition/flat.js";
import type { EgressPattern, Rule, SanitizeDocument } from "../policies/document.js";

/** A rule as the policy program prepares it. `whole` is the pattern of a whole value. */
export type PreparedRule = Rule & { whole?: string };

/** What the policy program makes of a document for one tool and action (`policies/rego/plan.rego`), as far as it is read here. */
export interface Plan {
  egress: { allow: EgressPattern[] }[];
  rules: PreparedRule[];
  approvals: { condition: Condition }[];
  sanitizers: { sanitize: SanitizeDocument }[];
}

/** What the program gives for a document, a tool and an action. `shortcut` is `null` where no call can pass by one. */
export interface Prepared {
  plan: Plan;
  shortcut: object | null;
}

/** What an input names, and so what of a document concerns it. */
export interface Named {
  tool: string | null;
  action: string | null;
  unmatched: boolean;
}

/** `null` for an input of another form than the server makes, for which nothing is prepared. */
export function namedIn(input: { [name: string]: Json }): Named | null {
  const { tool = null, action = null, unmatched = false } = input;
  if (tool !== null && typeof tool !== "string") return null;
  if (action !== null && typeof action !== "string") return null;
  return typeof unmatched === "boolean" ? { tool, action, unmatched } : null;
}

/** The input by which a plan is asked for. */
export function planInput(id: string, { tool, action, unmatched }: Named): string {
  return JSON.stringify({
    agent: { id },
    ...(tool !== null && { tool }),
    ...(action !== null && { action }),
    ...(unmatched && { unmatched }),
  });
}

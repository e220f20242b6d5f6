import { Refusal } from "../refusal.js";
import type { Description } from "./description.js";
import type { Template } from "./template.js";
import type { Tool } from "./tool.js";

/**
 * The one entry that a described call means. Entries with `protocol: check` say what described calls of a tool mean; of a
 * tool that has none, the entries for HTTP say it. Throws `unknown_tool`, `ambiguous_tool`, and `malformed_parameter`
 * when none of several entries has the call's action and environment.
 */
export function describedTool(tools: readonly Tool[], description: Description): Tool {
  const named = tools.filter(({ name }) => name === description.tool);
  const own = named.filter(({ protocol }) => protocol === "check");
  const entries = own.length > 0 ? own : named;
  const [only, ...others] = entries;
  if (!only) throw new Refusal("unknown_tool", "no tool matches the call");
  if (others.length === 0) return only;
  const [fitting, ...more] = entries.filter((entry) => fits(entry, description));
  if (!fitting) throw new Refusal("malformed_parameter", "the tool does not have this action in this environment");
  if (more.length > 0) throw new Refusal("ambiguous_tool", "more than one tool matches the call");
  return fitting;
}

/** True when one described call can mean both, as far as what each says can never be the other's. */
export function describedOverlap(a: Tool, b: Tool): boolean {
  if (a.protocol !== "check" || b.protocol !== "check" || a.name !== b.name) return false;
  return !differ(a.action, b.action) && !differ(a.environment, b.environment);
}

function fits(tool: Tool, { action, environment }: Description): boolean {
  return may(tool.action, action) && (environment === undefined || may(tool.environment, environment));
}

/** Only a constant is known before the parameters are read. */
function may(template: Template | null, stated: string): boolean {
  return template?.kind !== "constant" || template.value === stated;
}

function differ(a: Template | null, b: Template | null): boolean {
  return a?.kind === "constant" && b?.kind === "constant" && a.value !== b.value;
}

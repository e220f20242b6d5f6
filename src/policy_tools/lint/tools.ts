import type { Template } from "../../decode/template.js";
import type { Tool } from "../../decode/tool.js";
import type { LintContext, LintFile } from "./check.js";

/** Entries of the catalogue that the file speaks of; `null` when there is no catalogue. */
export function toolsOf({ compiled }: LintFile, { catalogue }: LintContext): readonly Tool[] | null {
  if (!catalogue) return null;
  const { tools } = compiled;
  return tools ? catalogue.tools.filter(({ name }) => tools.includes(name)) : catalogue.tools;
}

/** Those whose calls can have this action. */
export function offering(tools: readonly Tool[], action: string): readonly Tool[] {
  return tools.filter((tool) => action === "*" || constant(tool.action) === null || constant(tool.action) === action);
}

/** The one text that a template always gives; `null` when it depends on the request. */
export function constant(template: Template): string | null {
  return template.kind === "constant" ? String(template.value) : null;
}

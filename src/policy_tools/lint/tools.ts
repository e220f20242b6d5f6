import type { Source, Template } from "../../decode/template.js";
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

/** Every action of the file's tools, sorted; `null` when they cannot all be told. */
export function actionsOf(file: LintFile, context: LintContext): string[] | null {
  const tools = toolsOf(file, context);
  if (!tools || tools.length === 0) return null;
  const actions = tools.map(({ action }) => constant(action));
  return actions.includes(null) ? null : [...new Set(actions as string[])].sort();
}

/** The parameters that the catalogue names for these tools, and whether they are all that there can be. */
export function paramsOf(tools: readonly Tool[]): { named: ReadonlySet<string>; all: boolean } {
  const named = tools.flatMap(({ params }) => (params.kind === "named" ? params.templates.map(([name]) => name) : []));
  return { named: new Set(named), all: tools.length > 0 && tools.every(({ params }) => params.kind === "named") };
}

/** The one text that a template always gives; `null` when it depends on the request. */
export function constant(template: Template): string | null {
  return template.kind === "constant" ? String(template.value) : null;
}

/** The parts of a request that a template takes its value from. */
export function sourcesOf(template: Template): readonly Source[] {
  switch (template.kind) {
    case "constant":
      return [];
    case "reference":
      return [template.reference.source];
    case "text":
      return template.parts.flatMap((part) => (typeof part === "string" ? [] : [part.source]));
  }
}

/** The names of tools, each once, for a message. */
export function namesOf(tools: readonly Tool[]): string {
  return [...new Set(tools.map(({ name }) => name))].sort().join(", ");
}

import type { Path } from "../../../files/located_yaml.js";
import { type Check, type LintContext, type LintFile, members } from "../check.js";
import { constant, toolsOf } from "../tools.js";

/** An action that no tool offers, where the catalogue says all of them: the entry never applies. */
export const unknownActions: Check = {
  level: "warning",
  find: (context) =>
    context.files.flatMap((file) => {
      const known = offered(file, context);
      if (!known) return [];
      return named(file)
        .filter(([name]) => !known.some((action) => matches(name, action)))
        .map(([name, path]) => {
          const message = `no tool of this file has the action ${name}; there are ${known.join(", ")}`;
          return file.source.problem(path, message);
        });
    }),
};

/** Every action of the file's tools; `null` when they cannot all be told. */
function offered(file: LintFile, context: LintContext): string[] | null {
  const tools = toolsOf(file, context);
  if (!tools || tools.length === 0) return null;
  const actions = tools.map(({ action }) => constant(action));
  return actions.includes(null) ? null : [...new Set(actions as string[])].sort();
}

function named({ source, entries }: LintFile): [string, Path][] {
  return [
    ...entries.map(({ source: { name }, at }): [string, Path] => [name, [...at, "name"]]),
    ...members("deny_actions", source.value.deny_actions),
  ];
}

function matches(name: string, action: string): boolean {
  if (name.endsWith("*")) return action.toLowerCase().startsWith(name.slice(0, -1).toLowerCase());
  return name.toLowerCase() === action.toLowerCase();
}

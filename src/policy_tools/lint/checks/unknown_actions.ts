import type { Problem } from "../../../files/located_yaml.js";
import { foldCase } from "../../../json/fold.js";
import { type Check, members } from "../check.js";
import { actionsOf } from "../tools.js";

/** An action that no tool offers, where the catalogue says all of them: the entry never applies. */
export const unknownActions: Check = {
  level: "warning",
  find: (context) =>
    context.files.flatMap((file): Problem[] => {
      const known = actionsOf(file, context);
      if (!known) return [];
      const { entries, source } = file;
      const granted = entries
        .filter(({ source: { name } }) => name !== "*" && !known.includes(name))
        .map(({ source: { name }, at }) => [name, [...at, "name"]] as const);
      const denied = members("deny_actions", source.value.deny_actions).filter(
        ([name]) => !known.some((action) => denies(name, action)),
      );
      return [...granted, ...denied].map(([name, path]) =>
        source.problem(path, `no tool of this file has the action ${name}; there are ${known.join(", ")}`),
      );
    }),
};

/** Entries of `actions` are compared exactly, those of `deny_actions` without regard to case. */
function denies(name: string, action: string): boolean {
  const [denied, called] = [foldCase(name), foldCase(action)];
  return denied.endsWith("*") ? called.startsWith(denied.slice(0, -1)) : called === denied;
}

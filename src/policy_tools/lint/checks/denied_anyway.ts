import { foldCase } from "../../../json/fold.js";
import { type Check, covers, forEntries, type LintContext, type LintFile } from "../check.js";

/** An action that a file grants, and `deny_actions` of another file, or of its own, refuses to every one of its agents. */
export const deniedAnyway: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source: { name } }, file, told) => {
      if (name === "*" || !file.compiled.grants) return [];
      const denials = file.agents.map((agent) => denialFor(agent, name, file, context));
      const [first] = denials;
      if (!first || denials.includes(null)) return [];
      return [told(["name"], `deny_actions of ${first} refuses ${name} to this agent whatever is said here`)];
    }),
};

/** The file that refuses the action to the agent for every tool of `file`; `null` when none does. */
function denialFor(agent: string, action: string, file: LintFile, { set }: LintContext): string | null {
  const named = foldCase(action);
  const found = set.documentOf(agent).document.files.find((other) => {
    const deny = other.deny_actions;
    if (deny?.mode !== "enforce" || deny.on_violation !== undefined) return false;
    const exact = deny.exact.some((name) => foldCase(name) === named);
    const matches = exact || deny.prefixes.some((prefix) => named.startsWith(foldCase(prefix)));
    return matches && covers(other, file);
  });
  return found?.file ?? null;
}

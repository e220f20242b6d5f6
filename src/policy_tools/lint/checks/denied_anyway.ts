import { type Check, forEntries, type LintContext, type LintFile } from "../check.js";

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
  const found = set.documentOf(agent).document.files.find(({ tools, deny_actions: deny }) => {
    if (deny?.mode !== "enforce" || deny.on_violation !== undefined) return false;
    const named = action.toLowerCase();
    const matches = deny.exact.includes(named) || deny.prefixes.some((prefix) => named.startsWith(prefix));
    return (
      matches && (!tools || (file.compiled.tools ?? [null]).every((tool) => tool !== null && tools.includes(tool)))
    );
  });
  return found?.file ?? null;
}

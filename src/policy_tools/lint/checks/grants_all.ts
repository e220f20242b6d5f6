import type { Problem } from "../../../files/located_yaml.js";
import type { ActionDocument } from "../../../policies/document.js";
import { type Check, judgeTogether, type LintEntry, type LintFile } from "../check.js";

/** What seems to be meant as a restriction, and grants every action beside those that the agent's entries list. */
export const grantsAll: Check = {
  level: "warning",
  find: ({ files }) =>
    files.flatMap((file): Problem[] => {
      const listing = files.find((other) => other.compiled.grants && judgeTogether(other, file) && lists(other));
      if (!file.compiled.grants || !listing) return [];
      const rest = `also those that ${listing.source.file} does not list: should it be in a guardrail?`;
      const message = `this grants every action, ${rest}`;
      return [
        ...file.entries.filter(onlyRestricts).map(({ at }) => file.source.problem([...at, "name"], message)),
        ...(isRegoAlone(file)
          ? [file.source.problem(["rego"], `this grants every action that Rego allows, ${rest}`)]
          : []),
      ];
    }),
};

function lists({ entries }: LintFile): boolean {
  return entries.some(({ source }) => source.name !== "*");
}

/**
 * An entry for every action that only looks for data, asks something of the session or changes calls. A bare one says
 * itself that it grants.
 */
function onlyRestricts({ source: { name }, compiled }: LintEntry): boolean {
  const only = compiled.rules.every(({ kind }) => kind.startsWith("dlp_") || kind.startsWith("session_"));
  const something = compiled.rules.length > 0 || compiled.sanitize !== undefined;
  return name === "*" && only && something && !compiled.approval && isEnforced(compiled);
}

function isRegoAlone({ source: { value }, compiled }: LintFile): boolean {
  return value.rego !== undefined && value.actions === undefined && compiled.actions.some(isEnforced);
}

function isEnforced({ rules, sanitize_mode: mode }: ActionDocument): boolean {
  return mode === "enforce" || rules.some((rule) => rule.mode === "enforce");
}

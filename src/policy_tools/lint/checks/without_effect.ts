import type { Problem } from "../../../files/located_yaml.js";
import type { ActionDocument } from "../../../policies/document.js";
import { askingPlace, type Check, forEntries, type LintEntry, type LintFile } from "../check.js";

/** Entries of guardrails that restrict nothing, and terms of an approval that nothing asks for. */
export const withoutEffect: Check = {
  level: "warning",
  find: (context) => [
    ...context.files.flatMap(ofFile),
    ...forEntries(context, ({ source, compiled }, file, told) => {
      const { rules, approval, sanitize, terms } = compiled;
      if (file.source.value.guardrail && rules.length === 0 && !approval && !sanitize) {
        return [
          told(["name"], `a guardrail grants nothing, and this entry of ${source.name} restricts nothing either`),
        ];
      }
      // Terms of the file are for those of its entries that ask.
      if (!source.approval || !terms || asks(compiled)) return [];
      return [told(["approval"], "nothing in this entry asks for an approval")];
    }),
  ],
};

/** What a file says of the approvals of all its actions, and none takes from it. */
function ofFile({ source, compiled, entries }: LintFile): Problem[] {
  const asking = askingPlace(source.value, []);
  const { when: _, ...terms } = source.value.approval ?? {};
  return [
    ...(asking && entries.length > 0 && entries.every(isOwn)
      ? [source.problem(asking, "each action says itself when people are asked")]
      : []),
    ...(Object.keys(terms).length > 0 && !compiled.actions.some(asks)
      ? [source.problem(["approval"], "nothing in this file asks for an approval")]
      : []),
  ];
}

function isOwn({ source }: LintEntry): boolean {
  return askingPlace(source, []) !== null;
}

function asks({ approval, rules }: ActionDocument): boolean {
  return approval !== undefined || rules.some(({ kind, on_violation: then }) => kind === "rego" || then !== undefined);
}

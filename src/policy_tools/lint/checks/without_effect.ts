import type { ActionDocument } from "../../../policies/document.js";
import { type Check, forEntries } from "../check.js";

/** Entries of guardrails that restrict nothing, and terms of an approval that nothing asks for. */
export const withoutEffect: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source, compiled }, file, told) => {
      const { rules, approval, sanitize, terms } = compiled;
      if (file.source.value.guardrail && rules.length === 0 && !approval && !sanitize) {
        return [
          told(["name"], `a guardrail grants nothing, and this entry of ${source.name} restricts nothing either`),
        ];
      }
      return terms && !asks(compiled) ? [told(["approval"], "nothing in this entry asks for an approval")] : [];
    }),
};

function asks({ approval, rules }: ActionDocument): boolean {
  return approval !== undefined || rules.some(({ kind, on_violation: then }) => kind === "rego" || then !== undefined);
}

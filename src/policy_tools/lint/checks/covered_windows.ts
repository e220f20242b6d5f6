import type { Rule, Slot } from "../../../policies/document.js";
import { type Check, forEntries } from "../check.js";

/** Times to allow that are all among the times to deny. */
export const coveredWindows: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ compiled }, _, told) => {
      const allow = slotsOf(compiled.rules, "window_allow");
      const denied = minutesOf(slotsOf(compiled.rules, "window_deny"));
      if (allow.length === 0 || ![...minutesOf(allow)].every((minute) => denied.has(minute))) return [];
      return [told(["windows"], "every time that is allowed is denied too, so no call passes")];
    }),
};

function slotsOf(rules: readonly Rule[], kind: "window_allow" | "window_deny"): Slot[] {
  return rules.flatMap((rule) => (rule.kind === kind ? rule.slots : []));
}

/** Minutes of the local week. */
function minutesOf(slots: readonly Slot[]): Set<number> {
  return new Set(
    slots.flatMap(({ day, from, to }) => Array.from({ length: to - from }, (_, i) => day * 1_440 + from + i)),
  );
}

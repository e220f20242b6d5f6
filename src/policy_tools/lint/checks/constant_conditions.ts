import { type Check, forEntries } from "../check.js";
import { constantTruth } from "../truth.js";

/** A condition that never comes true, or always does, whatever the call. */
export const constantConditions: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source, compiled }, _, told) => {
      // Who writes `true` means it.
      if (!compiled.approval || compiled.approval.source === "true") return [];
      const truth = constantTruth(compiled.approval.condition);
      if (truth === null) return [];
      const place = source.approval_needed ? ["approval_needed"] : ["approval", "when"];
      return [told(place, truth ? "this condition is always true" : "this condition can never be true")];
    }),
};

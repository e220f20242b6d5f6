import { type Check, forEntries } from "../check.js";
import { conditionsOf } from "../requirements.js";
import { constantTruth } from "../truth.js";

/** A condition that never comes true, or always does, whatever the call. */
export const constantConditions: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, (entry, file) =>
      conditionsOf(entry).flatMap(({ source, condition, at }) => {
        // Who writes `true` means it.
        const truth = source === "true" ? null : constantTruth(condition);
        if (truth === null) return [];
        return [file.source.problem(at, truth ? "this condition is always true" : "this condition can never be true")];
      }),
    ),
};

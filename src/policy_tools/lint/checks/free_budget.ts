import type { Check } from "../check.js";

/** A `daily_budget` that nothing takes from. */
export const freeBudget: Check = {
  level: "warning",
  find: ({ files, set, catalogue }) => {
    if (!catalogue || catalogue.tools.some(({ costMicro }) => costMicro > 0)) return [];
    return files.flatMap(({ source, agents }) => {
      if (source.value.limits?.daily_budget === undefined) return [];
      const rules = agents.flatMap((agent) =>
        set.documentOf(agent).document.files.flatMap(({ actions }) => actions.flatMap((action) => action.rules)),
      );
      const costs = rules.some((rule) => rule.kind === "cost");
      return costs ? [] : [source.problem(["limits", "daily_budget"], "no tool and no policy says what a call costs")];
    });
  },
};

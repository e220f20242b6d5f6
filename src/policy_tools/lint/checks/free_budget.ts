import type { Check } from "../check.js";

const budgets = ["daily_budget", "session_budget"] as const;

/** A budget that nothing takes from. */
export const freeBudget: Check = {
  level: "warning",
  find: ({ files, set, catalogue }) => {
    if (!catalogue || catalogue.tools.some(({ costMicro }) => costMicro > 0)) return [];
    return files.flatMap(({ source, agents }) => {
      const written = budgets.filter((key) => source.value.limits?.[key] !== undefined);
      if (written.length === 0) return [];
      const rules = agents.flatMap((agent) =>
        set.documentOf(agent).document.files.flatMap(({ actions }) => actions.flatMap((action) => action.rules)),
      );
      const costs = rules.some((rule) => rule.kind === "cost");
      if (costs) return [];
      return written.map((key) => source.problem(["limits", key], "no tool and no policy says what a call costs"));
    });
  },
};

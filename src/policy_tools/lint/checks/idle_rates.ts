import { type LimitSet, type RateDocument, toolRateOf } from "../../../policies/document.js";
import { rateOf } from "../../../policies/rate.js";
import type { Check } from "../check.js";

/** A rate of one tool that no call can reach, since each is held to the agent's own rate too. */
export const idleRates: Check = {
  level: "warning",
  find: ({ files, set }) =>
    files.flatMap(({ source, agents }) =>
      Object.entries(source.value.limits?.tools ?? {}).flatMap(([tool, { rate, burst }]) => {
        const idle = agents.every((agent) => {
          const { enforced, shadow } = set.documentOf(agent).document.limits;
          const counted = [enforced, shadow].filter((limits) => limits && toolRateOf(limits, tool));
          return counted.every((limits) => neverRefuses(rateOf(rate, burst), limits));
        });
        if (!idle) return [];
        const why = "the agent's own rate is no higher and its burst no larger";
        return [source.problem(["limits", "tools", tool], `this rate refuses nothing: ${why}`)];
      }),
    ),
};

/** Where the agent's own counter fills up no slower and holds no less, it is full first. */
function neverRefuses(tool: RateDocument, { rate }: LimitSet = {}): boolean {
  return rate !== undefined && tool.interval_us <= rate.interval_us && tool.burst >= rate.burst;
}

import { z } from "zod";
import { toMicro } from "../../money.js";
import { anyKeys } from "../rule.js";
import { ruleKey } from "./rule_key.js";

const money = z.number().refine((value) => toMicro(value) !== null, "a cost is at least 0 and has at most 6 decimals");

const form = z.union([
  money,
  z.strictObject({ base: money.optional(), per: anyKeys(z.record(z.string().min(1), money)).optional() }),
]);

/** `cost`: what the call takes from the daily budget, in place of the catalogue's word. */
export const cost = ruleKey(form.describe("what a call takes from the daily budget"), (written) => {
  const { base = 0, per = {} } = typeof written === "number" ? { base: written } : written;
  const micro = Object.entries(per).map(([param, each]) => [param, toMicro(each) ?? 0] as const);
  return [{ kind: "cost", base_micro: toMicro(base) ?? 0, per: Object.fromEntries(micro) }];
});

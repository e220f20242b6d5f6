import type { Happening } from "../notify/notice.js";
import type { Settlement } from "../settle/index.js";

/** Of nearly every call. */
const nothing: readonly Happening[] = [];

/** What people may want to know of a call that was settled. */
export function happeningsOf(
  { opened, redeemed, warnings = [] }: Settlement,
  agent: string,
  session: string,
): readonly Happening[] {
  if (!opened && !redeemed && warnings.length === 0) return nothing;
  return [
    ...(opened?.fresh ? [{ kind: "approval.opened" as const, id: opened.id, agent }] : []),
    ...(redeemed ? [{ kind: "approval.closed" as const, id: redeemed.id, agent }] : []),
    ...warnings.map((warning) => ({ kind: "budget.warning" as const, agent, session, ...warning })),
  ];
}

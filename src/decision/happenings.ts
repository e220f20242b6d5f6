import type { Happening } from "../notify/notice.js";
import type { Settlement } from "../settle/index.js";

/** What people may want to know of a call that was settled. */
export function happeningsOf(
  { opened, redeemed, warnings = [] }: Settlement,
  { agent, session }: { agent: string; session: string },
): Happening[] {
  return [
    ...(opened?.fresh ? [{ kind: "approval.opened" as const, id: opened.id, agent }] : []),
    ...(redeemed ? [{ kind: "approval.closed" as const, id: redeemed.id, agent }] : []),
    ...warnings.map((warning) => ({ kind: "budget.warning" as const, agent, session, ...warning })),
  ];
}

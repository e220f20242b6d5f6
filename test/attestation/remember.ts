import type { Observation, Store } from "../../src/store/store.js";

let calls = 0;

/** One call of a session that was let through. */
export async function remember(
  store: Pick<Store, "settle">,
  { agent, ...seen }: { agent: string; session: string } & Partial<Observation>,
): Promise<void> {
  calls += 1;
  const observation: Observation = {
    bound: true,
    known: { initiated_by: "alice@example.com", role: "platform-lead" },
    ttlMs: 86_400_000,
    outcome: "passed",
    refusal: null,
    detail: "crm:read",
    tool: "crm",
    classification: [],
    tags: [],
    indicators: [],
    outside: null,
    burst: { refusals: 5, withinMs: 60_000 },
    learningMs: 604_800_000,
    ...seen,
  };
  await store.settle({ agent, key: `call-${calls}`, enforced: {}, approval: { kind: "none" }, observation });
}

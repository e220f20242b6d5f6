import type { Store } from "../../src/store/store.js";
import { firstOwner, type OwnCluster } from "../harness/redis_cluster.js";
import { callOf, unique } from "./subject.js";

/** A further agent whose keys are on the node of that number, as the server itself reckons. */
export async function agentOn(cluster: OwnCluster, node: 0 | 1 | 2): Promise<string> {
  for (;;) {
    const agent = unique("agent");
    if (firstOwner(await slotOfAgent(cluster, agent)) === node) return agent;
  }
}

export async function slotOfAgent(cluster: OwnCluster, agent: string): Promise<number> {
  return Number(await cluster.nodes[0].raw.cluster("KEYSLOT", `{${agent}}`));
}

/** One of each node, in their order. */
export async function oneOnEach(cluster: OwnCluster): Promise<[string, string, string]> {
  return [await agentOn(cluster, 0), await agentOn(cluster, 1), await agentOn(cluster, 2)];
}

/** A call that takes one micro-unit of a budget that is never used up. */
export function spend(store: Store, agent: string, key = unique("key")) {
  return store.settle(callOf(agent, { budget: { limitMicro: 1_000_000, costMicro: 1 } }, { key }));
}

export async function spentBy(store: Store, agent: string): Promise<number> {
  return (await store.usage({ agent, session: null })).enforced.spentMicro;
}

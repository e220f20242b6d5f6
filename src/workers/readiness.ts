import type { Readiness } from "../http/health.js";
import type { Peers, Question } from "./peers.js";

interface Told {
  ready: boolean;
  policyVersion: unknown;
}

const readiness: Question<null, Told> = { name: "readiness" };

/**
 * Whether the workers together can decide: one that can is enough, since Envoy asks each one for itself and goes round those that
 * cannot. `workers` in the detail names those and what is wrong, and those with other policies than the one that answers.
 */
export function readinessOfAll(own: () => Readiness, peers: Peers): () => Promise<Readiness> {
  const policyVersion = ({ detail }: Readiness): unknown => detail.policy_version;
  peers.answer(readiness, () => {
    const state = own();
    return { ready: state.ready, policyVersion: policyVersion(state) };
  });
  return async () => {
    const mine = own();
    if (peers.workers === 1) return mine;
    const version = policyVersion(mine);
    const others = await peers.ask(readiness, null);
    const troubles: [string, string][] = mine.ready ? [] : [[String(peers.worker), "is not ready"]];
    for (const other of others) {
      if ("trouble" in other) troubles.push([String(other.worker), other.trouble]);
      else if (!other.value.ready) troubles.push([String(other.worker), "is not ready"]);
      else if (other.value.policyVersion !== version) {
        troubles.push([String(other.worker), `has the policies ${String(other.value.policyVersion)}`]);
      }
    }
    const ready = mine.ready || others.some((other) => "value" in other && other.value.ready);
    return { ready, detail: { ...mine.detail, worker: peers.worker, workers: Object.fromEntries(troubles) } };
  };
}

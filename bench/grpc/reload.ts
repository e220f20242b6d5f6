import type { Contender } from "../contenders/contender.js";
import { askerOf } from "../harness/ask.js";
import { allowedBody, allowedCall, checkOf, maxReplicas, type Workload } from "../harness/workload.js";

const everyMs = 5;
const patienceMs = 60_000;

/**
 * Milliseconds from the change of a policy file until a call is answered by it, once for each time: the bound of one agent
 * goes up and comes down again. Contains the wait of who looks at files at intervals.
 */
export async function reloadTimes(contender: Contender, workload: Workload, times: number): Promise<number[]> {
  if (!contender.reload) return [];
  const asker = askerOf(contender.address);
  const body = { ...allowedBody(0), replicas: maxReplicas + 1 };
  const check = () => checkOf({ ...allowedCall(workload, 0), body });
  const found: number[] = [];
  try {
    for (let time = 0; time < times; time++) {
      const more = time % 2 === 0;
      const started = performance.now();
      await contender.reload(more ? maxReplicas + 1 : maxReplicas);
      while ((await asker.allows(check())) !== more) {
        if (performance.now() - started > patienceMs) throw new Error(`${contender.name} did not reload`);
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      found.push(performance.now() - started);
    }
    return found;
  } finally {
    await contender.reload(maxReplicas);
    asker.close();
  }
}

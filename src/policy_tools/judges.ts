import { createEngine } from "../evaluate/engine.js";
import type { Judges } from "../evaluate/judge.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import { createRegoPool } from "../rego/pool.js";

/** Lets the work ask these policies, the user's Rego included, and cleans up after it. */
export async function withJudges<T>(
  policies: PolicySet,
  program: Program,
  work: (judges: Judges) => Promise<T>,
): Promise<T> {
  // Without Rego nobody asks the pool, so it needs no thread. Nobody else waits here, so a call may take its time.
  const rego = createRegoPool({ workers: policies.rego ? 1 : 0, maxWaitMs: 60_000 });
  try {
    return await work({ policies, engine: createEngine(program), rego });
  } finally {
    await rego.close();
  }
}

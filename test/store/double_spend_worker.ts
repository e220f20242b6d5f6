import { systemRuntime } from "../../src/runtime.js";
import { openStore } from "../../src/store/open.js";
import { crowd } from "../harness/crowd.js";
import type { Race, RaceResult, WorkerSettings } from "./double_spend.js";
import { callOf } from "./subject.js";

/*
 * One of two processes that redeem the same approvals at the same time. Started with `fork`: its settings are its argument,
 * each message is a race, and each answer says what came of it.
 */
const { place, prefix, width, charge, name } = JSON.parse(process.argv[2] ?? "") as WorkerSettings;
const store = await openStore(place, { runtime: systemRuntime, waitMs: 30_000, prefix });

async function redeem({ agent, approvals, tries }: Race): Promise<RaceResult> {
  const passed: string[] = [];
  let used = 0;
  await crowd(
    width,
    (n) => n < approvals.length * tries,
    async (n) => {
      // All tries of one approval come one after the other, so that both processes are at the same one.
      const { id, fingerprint } = approvals[Math.floor(n / tries)] ?? { id: "", fingerprint: "" };
      const key = `${name}/${id}/${n}`;
      const { approval } = await store.settle(
        callOf(agent, charge, { key, approval: { kind: "redeem", id, fingerprint } }),
      );
      if (approval.outcome === "redeemed") passed.push(id);
      else if (approval.outcome === "refused" && approval.why === "consumed") used += 1;
    },
  );
  return { passed, used };
}

process.on("message", (race: Race) => {
  redeem(race).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => void store.close());
process.send?.("ready");

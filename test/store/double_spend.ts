import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { StorePlace } from "../../src/config/store.js";
import type { Charge } from "../../src/store/store.js";
import { guardFromOrphaning, releaseFromGuard } from "../harness/orphans.js";
import { repository } from "../harness/programs.js";

export interface WorkerSettings {
  name: string;
  place: StorePlace;
  prefix: string;
  /** Redemptions under way at a time. */
  width: number;
  /** What each redemption costs. */
  charge: Charge;
}

/** Approvals of one agent, and how often a process tries each of them. */
export interface Race {
  agent: string;
  approvals: readonly { id: string; fingerprint: string }[];
  tries: number;
}

export interface RaceResult {
  /** Ids of the approvals that were redeemed, each time that one was. */
  passed: string[];
  /** Redemptions that were refused because the approval was used. */
  used: number;
}

/** A process of its own with a connection of its own. */
export interface Racer {
  race(race: Race): Promise<RaceResult>;
  stop(): Promise<void>;
}

export async function startRacer(settings: WorkerSettings): Promise<Racer> {
  const child = fork(join(repository, "test", "store", "double_spend_worker.ts"), [JSON.stringify(settings)], {
    cwd: repository,
    env: { ...process.env, NODE_OPTIONS: "" },
    execArgv: ["--import", "tsx"],
  });
  const { pid = 0 } = child;
  guardFromOrphaning(pid);
  child.once("exit", () => releaseFromGuard(pid));
  await told(child);
  return {
    race: async (race) => {
      child.send(race);
      return (await told(child)) as RaceResult;
    },
    stop: async () => {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, "exit");
    },
  };
}

/** The next message of a process. */
async function told(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  const ended = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`the process ended with ${code}`);
  });
  ended.catch(() => {});
  try {
    const [message] = (await Promise.race([once(child, "message", { signal }), ended])) as unknown[];
    return message;
  } finally {
    over.abort();
  }
}

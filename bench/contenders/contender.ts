import { join } from "node:path";
import { freePort, type RunningProcess, startProcess } from "../../test/harness/process.js";
import { repository } from "../../test/harness/programs.js";
import { answersPing } from "../../test/harness/redis.js";
import type { Cleanup } from "../harness/cleanup.js";

/** A gRPC authorizer that is measured. */
export interface Contender {
  /** Its letter in tables, as in `c/d`. */
  key: string;
  name: string;
  /** `127.0.0.1:9191` */
  address: string;
  /** Of further workers of the same server. */
  others?: string[];
  /** Whose CPU and memory count as its own. */
  pids: number[];
  /** No program of Node: after few calls it is as fast as ever. */
  compiled?: true;
  /** Its Redis, counted in a column of its own. */
  redis?: { pid: number; url: string };
  /** Makes the policy of the first agent allow so many replicas, by a change of its files. */
  reload?: (replicas: number) => Promise<void>;
}

/** Where profiles go, when the environment variable BENCH_PROFILES names a folder: one file for each process of Node. */
export function profiled(): string[] {
  const folder = process.env.BENCH_PROFILES;
  return folder ? ["--cpu-prof", `--cpu-prof-dir=${folder}`, "--cpu-prof-interval=250"] : [];
}

/** Starts a script of `bench/contenders` and waits for the line that names its address. */
export async function startScript(
  script: string,
  args: readonly string[],
  cleanup: Cleanup,
): Promise<{ address: string; pid: number }> {
  let running: RunningProcess | undefined;
  const address = (): string | undefined => /^ready on (\S+)$/m.exec(running?.stdout() ?? "")?.[1];
  running = await startProcess({
    name: script,
    command: process.execPath,
    args: [...profiled(), "--import", "tsx", join(repository, "bench", "contenders", script), ...args],
    cwd: repository,
  });
  const started = running;
  cleanup.add(() => started.stop());
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = address();
    if (found !== undefined) return { address: found, pid: started.pid };
    if (!started.running() || Date.now() > deadline) throw new Error(`${script} is not ready: ${started.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A Redis that keeps nothing on disk. */
export async function startOwnRedis(program: string, cleanup: Cleanup): Promise<{ pid: number; url: string }> {
  const port = await freePort();
  const server = await startProcess({
    name: "redis-server",
    command: program,
    args: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    ready: () => answersPing("127.0.0.1", port),
  });
  cleanup.add(() => server.stop());
  return { pid: server.pid, url: `redis://127.0.0.1:${port}/0` };
}

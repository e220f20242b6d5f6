import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadProtos } from "../../src/grpc/load_protos.js";
import { generateKey, writeKeyFile } from "../../src/keys/keys.js";
import { send } from "../../test/harness/http.js";
import { freePort, startProcess } from "../../test/harness/process.js";
import { repository } from "../../test/harness/programs.js";
import { startOwnRedis } from "../contenders/contender.js";
import type { Cleanup } from "../harness/cleanup.js";
import { delimited } from "../harness/requests.js";
import { type BenchCall, checkOf, issuerUrl } from "../harness/workload.js";
import { type Caller, callerOf, policyFile, type ScaleSize, writeScaleFiles } from "./workload.js";

/** A server of one size. */
export interface ScaleServer {
  size: ScaleSize;
  address: string;
  pid: number;
  startMs: number;
  caller: Caller;
  /** Changes one policy file; gives how long it took until that was in force, and the longest wait of who asked meanwhile. */
  reload(replicas: number): Promise<{ reloadMs: number; waitMs: number }>;
}

const cli = join(repository, "dist", "cli.js");

/** Writes the files of a server, and starts it on a Redis of its own, with its log in a file. */
export async function startScaleServer(
  folder: string,
  size: ScaleSize,
  { redisProgram, cleanup }: { redisProgram: string; cleanup: Cleanup },
): Promise<ScaleServer> {
  await writeScaleFiles(folder, size);
  await writeKeyFile(join(folder, "var", "audit.jwk"), generateKey("OKP", "audit"));
  const caller = await callerOf(folder, size);
  const redis = await startOwnRedis(redisProgram, cleanup);
  const [grpc, http] = [await freePort(), await freePort()];
  const keyFile = (name: string) => ({ key_file: join(folder, "var", `${name}.jwk`) });
  const config = {
    listen: { grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}` },
    store: redis.url,
    identity: { issuer: { url: issuerUrl, ...keyFile("issuer") } },
    attestation: keyFile("attestation"),
    approvals: keyFile("approvals"),
  };
  const file = join(folder, "countersign.yaml");
  await writeFile(file, JSON.stringify(config), { mode: 0o640 });
  const log = join(folder, "log");
  const began = performance.now();
  const health = async (): Promise<boolean> => (await send(`http://127.0.0.1:${http}/readyz`)).status === 200;
  const server = await startProcess({
    name: `countersign (${size.agents} agents)`,
    // Its log would else go through a pipe and be read by the process that measures.
    command: "/bin/sh",
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, process.execPath, cli, "serve", "--config", file],
    ready: health,
    readyTimeoutMs: 300_000,
  });
  const startMs = performance.now() - began;
  cleanup.add(() => server.stop());
  const changed = policyFile(folder, 0);
  return {
    ...{ size, address: `127.0.0.1:${grpc}`, pid: server.pid, startMs, caller },
    async reload(replicas) {
      const loads = async (): Promise<number> => (await readFile(log, "utf8")).split('"files loaded"').length;
      const [before, from] = [await loads(), performance.now()];
      const text = await readFile(changed, "utf8");
      await writeFile(changed, text.replace(/max_replicas: \d+/, `max_replicas: ${replicas}`));
      let waitMs = 0;
      while ((await loads()) === before) {
        const asked = performance.now();
        await health();
        waitMs = Math.max(waitMs, performance.now() - asked);
        if (asked - from > 120_000) throw new Error(`a change of ${changed} is not in force after two minutes`);
        await sleep(10);
      }
      return { reloadMs: performance.now() - from, waitMs };
    },
  };
}

/** Writes so many calls for ghz, each with an id of its own: all callers in turn. */
export async function writeCalls(file: string, calls: readonly BenchCall[], count: number): Promise<void> {
  const protos = loadProtos();
  const messages = Array.from({ length: count }, (_, n) =>
    delimited(protos.encodeRequest(checkOf(calls[n % calls.length] as BenchCall))),
  );
  await writeFile(file, Buffer.concat(messages));
}

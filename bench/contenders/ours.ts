import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateKey, writeKeyFile } from "../../src/keys/keys.js";
import { send } from "../../test/harness/http.js";
import { freePort, startProcess } from "../../test/harness/process.js";
import { repository } from "../../test/harness/programs.js";
import type { Cleanup } from "../harness/cleanup.js";
import { agentName, issuerUrl, policyOf, type Workload } from "../harness/workload.js";
import { type Contender, profiled, startOwnRedis } from "./contender.js";

export interface OursOptions {
  /** As the tables call it. */
  key: string;
  name: string;
  /** Kind of the key that signs records: `oct` is HMAC-SHA-256, `OKP` is Ed25519. */
  auditKey: "oct" | "OKP";
  redisProgram: string;
  /** Base URL of the collector of spans. */
  collector: string;
  cleanup: Cleanup;
  workers?: number;
}

/** Contender (c): `dist/cli.js serve` as an operator runs it, on a Redis of its own, with its log in a file. */
export async function startOurs(workload: Workload, options: OursOptions): Promise<Contender> {
  const { key, name, auditKey, redisProgram, collector, cleanup, workers = 1 } = options;
  const redis = await startOwnRedis(redisProgram, cleanup);
  const folder = join(workload.folder, `server-${key}`);
  await mkdir(join(folder, "var"), { recursive: true, mode: 0o700 });
  for (const part of ["policies", "tools.yaml", "agents.yaml", "people.yaml"]) {
    await symlink(join(workload.folder, part), join(folder, part));
  }
  await writeKeyFile(join(folder, "var", "audit.jwk"), generateKey(auditKey, "audit"));
  const http = await freePort();
  const addresses: string[] = [];
  while (addresses.length < workers) addresses.push(`127.0.0.1:${await freePort()}`);
  const [address = "", ...others] = addresses;
  const keys = join(workload.folder, "var");
  const config = {
    listen: { grpc: workers === 1 ? address : addresses, http: `127.0.0.1:${http}` },
    store: redis.url,
    workers,
    identity: { issuer: { url: issuerUrl, key_file: join(keys, "issuer.jwk") } },
    attestation: { key_file: join(keys, "attestation.jwk") },
    approvals: { key_file: join(keys, "approvals.jwk") },
    telemetry: { otlp: collector },
  };
  const file = join(folder, "countersign.yaml");
  await writeFile(file, JSON.stringify(config), { mode: 0o640 });
  const node = [process.execPath, ...profiled()];
  const serve = ["serve", "--config", file];
  const server = await startProcess({
    name: `countersign (${name})`,
    // Its log would else go through a pipe and be read by the process that measures.
    command: "/bin/sh",
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", join(folder, "log"), ...node, cli, ...serve],
    ready: async () => (await send(`http://127.0.0.1:${http}/readyz`)).status === 200,
    readyTimeoutMs: 60_000,
  });
  cleanup.add(() => server.stop());
  const policy = join(workload.folder, "policies", `${agentName(0)}.yaml`);
  return {
    key,
    name,
    ...{ address, others },
    pids: [server.pid],
    redis,
    reload: (replicas) => writeFile(policy, policyOf(agentName(0), workload.size, replicas)),
  };
}

const cli = join(repository, "dist", "cli.js");

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "../../test/harness/programs.js";
import { agentName, digest, maxReplicas, pattern, type Size } from "../harness/workload.js";

/** What the policies of all agents say, as the peer's data. `replicas` is the bound of the first agent. */
export function peerData({ agents }: Size, replicas = maxReplicas): object {
  const names = Array.from({ length: agents }, (_, n) => agentName(n));
  return { agents: Object.fromEntries(names.map((name, n) => [name, ruleSet(n === 0 ? replicas : maxReplicas)])) };
}

function ruleSet(replicas: number): object {
  const deploy = {
    allowed_environments: ["staging", "production"],
    approval_needed: ["production"],
    allowed_images: [digest],
    max_replicas: replicas,
    params: { service: { pattern: `^(?:${pattern})$` } },
  };
  return { actions: { deploy } };
}

export interface PeerFiles {
  policy: string;
  data: string;
  config: string;
}

/** Writes what opa-envoy-plugin reads: the address it is to listen on, a file of `bench/peer`, and what it is asked there. */
export async function writePeerFiles(
  folder: string,
  size: Size,
  { grpc, file, path }: { grpc: string; file: string; path: string },
): Promise<PeerFiles> {
  await mkdir(folder, { recursive: true });
  const files = {
    policy: join(folder, "policy.rego"),
    data: join(folder, "data.json"),
    config: join(folder, "config.yaml"),
  };
  await copyFile(join(repository, "bench", "peer", file), files.policy);
  await writePeerData(files, size);
  const plugin = { addr: grpc, path };
  await writeFile(files.config, JSON.stringify({ plugins: { envoy_ext_authz_grpc: plugin } }));
  return files;
}

export function writePeerData({ data }: PeerFiles, size: Size, replicas?: number): Promise<void> {
  return writeFile(data, JSON.stringify(peerData(size, replicas)));
}

import { join } from "node:path";
import { send } from "../../test/harness/http.js";
import { freePort, startProcess } from "../../test/harness/process.js";
import type { Cleanup } from "../harness/cleanup.js";
import type { Workload } from "../harness/workload.js";
import type { Contender } from "./contender.js";
import { writePeerData, writePeerFiles } from "./peer_files.js";

/** What the peer may be asked: bare yes or no, or what is broken too. */
const policies = {
  d: { name: "opa-envoy-plugin, policy only", file: "policy.rego", path: "agent/authz/allow" },
  d2: { name: "opa-envoy-plugin, says what is broken", file: "reasons.rego", path: "agent/authz/decision" },
};

/** Contenders (d) and (d2): opa-envoy-plugin, without decision logs, spans or metrics. */
export async function startPeer(
  program: string,
  workload: Workload,
  cleanup: Cleanup,
  key: keyof typeof policies = "d",
): Promise<Contender> {
  const { name, ...policy } = policies[key];
  const [grpc, api, diagnostic] = [await freePort(), await freePort(), await freePort()];
  const files = await writePeerFiles(join(workload.folder, `peer-${key}`), workload.size, {
    grpc: `127.0.0.1:${grpc}`,
    ...policy,
  });
  const loopback = ["--addr", `127.0.0.1:${api}`, "--diagnostic-addr", `127.0.0.1:${diagnostic}`];
  const quiet = ["--skip-version-check", "--log-level", "error"];
  const peer = await startProcess({
    name: "opa-envoy-plugin",
    command: program,
    args: [
      "run",
      "--server",
      "--watch",
      ...loopback,
      ...quiet,
      "--config-file",
      files.config,
      files.policy,
      files.data,
    ],
    ready: async () => (await send(`http://127.0.0.1:${diagnostic}/health?plugins`)).status === 200,
  });
  cleanup.add(() => peer.stop());
  return {
    key,
    name,
    address: `127.0.0.1:${grpc}`,
    pids: [peer.pid],
    compiled: true,
    reload: (replicas) => writePeerData(files, workload.size, replicas),
  };
}

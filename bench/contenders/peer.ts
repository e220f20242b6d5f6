import { join } from "node:path";
import { send } from "../../test/harness/http.js";
import { freePort, startProcess } from "../../test/harness/process.js";
import type { Cleanup } from "../harness/cleanup.js";
import type { Workload } from "../harness/workload.js";
import type { Contender } from "./contender.js";
import { writePeerData, writePeerFiles } from "./peer_files.js";

/** Contender (d): opa-envoy-plugin, without decision logs, spans or metrics. */
export async function startPeer(program: string, workload: Workload, cleanup: Cleanup): Promise<Contender> {
  const [grpc, api, diagnostic] = [await freePort(), await freePort(), await freePort()];
  const files = await writePeerFiles(join(workload.folder, "peer"), workload.size, `127.0.0.1:${grpc}`);
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
    key: "d",
    name: "opa-envoy-plugin, policy only",
    address: `127.0.0.1:${grpc}`,
    pids: [peer.pid],
    reload: (replicas) => writePeerData(files, workload.size, replicas),
  };
}

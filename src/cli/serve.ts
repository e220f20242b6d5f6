import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { loadConfig } from "../config/load.js";
import type { Config } from "../config/schema.js";
import { createLog } from "../server/log.js";
import { startServer } from "../server.js";
import { type Supervised, supervise } from "../workers/supervisor.js";
import { configOption, type Done, example, exitCodes, print } from "./terminal.js";

/** `countersign serve`: runs until SIGTERM or SIGINT, then drains. */
export function serveCommand(done: Done): Command {
  return new Command("serve")
    .description("Run the authorizer: gRPC for Envoy, HTTP for people and agents.")
    .option(...configOption)
    .addHelpText(...example("serve --config ./countersign.yaml"))
    .action(async ({ config: file }: { config: string }) => {
      const config = loadConfig(file);
      const server = await (config.workers === 1 ? one(config) : several(config));
      // Before the ready line: whoever reads it may end the server at once, and is owed a drain.
      const asked = untilAsked();
      const { grpc, http, policyVersion } = server;
      print(`countersign is ready: grpc ${grpc.join(", ")}, http ${http}, policies ${policyVersion}`);
      await asked;
      done(await server.stop());
    });
}

async function one(config: Config): Promise<Supervised> {
  const server = await startServer(config);
  return {
    grpc: [server.grpc],
    http: server.http,
    policyVersion: server.policyVersion(),
    async stop() {
      await server.stop();
      return exitCodes.ok;
    },
  };
}

function several(config: Config): Promise<Supervised> {
  const program = fileURLToPath(new URL("./worker.js", import.meta.url));
  return supervise({ config, program, log: createLog(config.telemetry) });
}

function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}

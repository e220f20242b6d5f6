import { Command } from "commander";
import { loadConfig } from "../config/load.js";
import { startServer } from "../server.js";
import { configOption, type Done, example, print } from "./terminal.js";

/** `countersign serve`: runs until SIGTERM or SIGINT, then drains. */
export function serveCommand(_done: Done): Command {
  return new Command("serve")
    .description("Run the authorizer: gRPC for Envoy, HTTP for people and agents.")
    .option(...configOption)
    .addHelpText(...example("serve --config ./countersign.yaml"))
    .action(async ({ config: file }: { config: string }) => {
      const server = await startServer(loadConfig(file));
      // Before the ready line: whoever reads it may end the server at once, and is owed a drain.
      const asked = untilAsked();
      print(`countersign is ready: grpc ${server.grpc}, http ${server.http}, policies ${server.policyVersion()}`);
      await asked;
      await server.stop();
    });
}

function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}

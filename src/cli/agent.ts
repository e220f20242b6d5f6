import { Command } from "commander";
import { newApiKey } from "../agents/api_key.js";
import { sha256Hex } from "../canonical.js";
import { loadConfig } from "../config/load.js";
import { systemRuntime } from "../runtime.js";
import { loadRegistered } from "../workspace/files.js";
import { managingCommands } from "./agent_manage.js";
import { configOption, type Done, example, print, WrongUse } from "./terminal.js";

/** `countersign agent`: agents and their credentials, in `agents.yaml` and with a running server. */
export function agentCommand(_done: Done): Command {
  const command = new Command("agent")
    .description("Register agents and manage their credentials.")
    .addHelpText(...example("agent key deploy-manager"))
    .addCommand(keyCommand());
  for (const managing of managingCommands()) command.addCommand(managing);
  return command;
}

function keyCommand(): Command {
  return new Command("key")
    .description("Make an API key for a registered agent. The key is shown once; agents.yaml gets only its hash.")
    .argument("<agent>", "id in agents.yaml")
    .option(...configOption)
    .option("--json", "print the result as JSON")
    .addHelpText(...example("agent key deploy-manager"))
    .action((id: string, options: { config: string; json?: boolean }) => {
      const { agents } = findAgent(id, options.config);
      const key = newApiKey(systemRuntime);
      const sha256 = sha256Hex(key);
      if (options.json) print(JSON.stringify({ agent: id, api_key: key, sha256 }));
      else {
        print(`API key of ${id}, shown only now:\n  ${key}\n`);
        print(`Put its hash under the agent in ${agents}; it works as soon as the file is saved:`);
        print(`    api_keys: [{sha256: "${sha256}"}]`);
      }
    });
}

const ofTheApi = "An agent of the API gets tokens from POST /oauth2/token, and keys by `countersign agent rotate-key`.";

/** The agent of `agents.yaml` with that id, and the configuration it came from. Throws `WrongUse` when it is not there. */
export function findAgent(id: string, configFile: string) {
  const config = loadConfig(configFile);
  const registry = loadRegistered(config);
  const agent = registry.agent(id);
  if (!agent) {
    const known = registry.agents().map((other) => other.id);
    const missing = `no agent ${id} in ${config.agents}; registered are: ${known.join(", ") || "none"}`;
    throw new WrongUse(`${missing}\n${ofTheApi}`);
  }
  return { config, registry, agent, agents: config.agents };
}

import { Command } from "commander";
import { z } from "zod";
import { printable } from "../printable.js";
import { type ApiOptions, ask, askingServer } from "./api.js";
import { example, print } from "./terminal.js";

const texts = z.array(z.string());
const agentForm = z.looseObject({
  id: z.string(),
  source: z.string(),
  model: z.string().nullable(),
  scopes: texts,
  roles: texts,
  spiffe: texts,
  disabled: z.boolean(),
  created_at: z.string().nullable(),
  keys: z.int(),
});
type Agent = z.infer<typeof agentForm>;
const listForm = z.looseObject({ agents: z.array(agentForm) });
const keyForm = z.looseObject({ agent: agentForm, api_key: z.string() });

interface CreateOptions extends ApiOptions {
  model?: string;
  scope: string[];
  role: string[];
  spiffe: string[];
}

/** Sub-commands of `countersign agent` that ask a running server. */
export function managingCommands(): Command[] {
  return [
    createCommand(),
    listCommand(),
    showCommand(),
    switchCommand("disable", "Refuse an agent on every process within a second."),
    switchCommand("enable", "Let a disabled agent call again."),
    rotateCommand(),
  ];
}

function createCommand(): Command {
  const command = new Command("create")
    .description("Register an agent with the server. Its API key is shown once.")
    .argument("<agent>", "id of the new agent")
    .option("--model <model>", "the model behind it")
    .option(
      "--scope <scopes>",
      "tool:action patterns separated by spaces, none = may call nothing; may be repeated",
      words,
      [],
    )
    .option("--role <role>", "agent.roles in policies; may be repeated", collected, [])
    .option("--spiffe <id>", "SPIFFE id of its certificate; may be repeated", collected, []);
  return askingServer(command)
    .addHelpText(...example('agent create nightly --scope "deploy-api:*" --role ci'))
    .action(async (id: string, options: CreateOptions) => {
      const { model, scope: scopes, role: roles, spiffe } = options;
      const body = { id, ...(model !== undefined && { model }), scopes, roles, spiffe };
      const created = await ask(options, { method: "POST", path: "/v1/agents", body }, keyForm);
      if (created.agent.scopes.length === 0) warnOfNoScopes(created.agent.id);
      if (options.json) return print(JSON.stringify(created));
      print(
        `${printable(created.agent.id)} is registered. Its API key, shown only now:\n  ${printable(created.api_key)}`,
      );
    });
}

function warnOfNoScopes(id: string): void {
  const why = `${printable(id)} has no scopes and may call nothing until it is registered with some`;
  const mend = "the API cannot change them: register another id with --scope, or this one in agents.yaml";
  process.stderr.write(`countersign: warning: ${why}; ${mend}\n`);
}

function listCommand(): Command {
  return askingServer(new Command("list").description("List the agents that the server knows."))
    .addHelpText(...example("agent list"))
    .action(async (options: ApiOptions) => {
      const list = await ask(options, { path: "/v1/agents" }, listForm);
      print(options.json ? JSON.stringify(list) : table(list.agents));
    });
}

function showCommand(): Command {
  return askingServer(new Command("show").description("Show one agent.").argument("<agent>", "id"))
    .addHelpText(...example("agent show nightly"))
    .action(async (id: string, options: ApiOptions) => {
      const agent = await ask(options, { path: pathOf(id) }, agentForm);
      print(options.json ? JSON.stringify(agent) : details(agent));
    });
}

function switchCommand(name: "disable" | "enable", description: string): Command {
  return askingServer(new Command(name).description(description).argument("<agent>", "id"))
    .addHelpText(...example(`agent ${name} nightly`))
    .action(async (id: string, options: ApiOptions) => {
      const agent = await ask(options, { method: "POST", path: pathOf(id, name), body: {} }, agentForm);
      if (options.json) print(JSON.stringify(agent));
      else print(`${printable(agent.id)} is ${stateOf(agent)}`);
    });
}

function rotateCommand(): Command {
  const command = new Command("rotate-key")
    .description("Replace the API keys of an agent by a new one, which is shown once.")
    .argument("<agent>", "id")
    .option("--keep-old-for <duration>", "how long the old keys go on to work, such as 10m (default: not at all)");
  return askingServer(command)
    .addHelpText(...example("agent rotate-key nightly --keep-old-for 10m"))
    .action(async (id: string, options: ApiOptions & { keepOldFor?: string }) => {
      const { keepOldFor } = options;
      const body = keepOldFor === undefined ? {} : { keep_old_for: keepOldFor };
      const rotated = await ask(options, { method: "POST", path: pathOf(id, "rotate-key"), body }, keyForm);
      if (options.json) return print(JSON.stringify(rotated));
      const old = keepOldFor === undefined ? "Its old keys have ended." : `Its old keys end within ${keepOldFor}.`;
      print(`API key of ${printable(rotated.agent.id)}, shown only now:\n  ${printable(rotated.api_key)}\n${old}`);
    });
}

function pathOf(id: string, act?: string): string {
  return `/v1/agents/${encodeURIComponent(id)}${act === undefined ? "" : `/${act}`}`;
}

function table(agents: readonly Agent[]): string {
  if (agents.length === 0) return "no agents";
  const rows = agents.map((agent) => [agent.id, agent.source, stateOf(agent), keysOf(agent), agent.scopes.join(" ")]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => printable(row[column] ?? "").length)));
  const line = (row: readonly string[]) => row.map((cell, n) => printable(cell).padEnd(widths[n] ?? 0)).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

function details(agent: Agent): string {
  const rows = {
    id: agent.id,
    source: agent.source === "file" ? "agents.yaml" : "registered over the API",
    state: stateOf(agent),
    model: agent.model,
    scopes: agent.scopes.join(" "),
    roles: agent.roles.join(", "),
    spiffe: agent.spiffe.join(" "),
    keys: keysOf(agent),
    created: agent.created_at,
  };
  const shown = Object.entries(rows).map(([name, value]) => `${name.padEnd(8)} ${printable(value || "none")}`);
  return shown.join("\n");
}

function stateOf({ disabled }: Agent): string {
  return disabled ? "disabled" : "enabled";
}

function keysOf({ keys }: Agent): string {
  return keys === 1 ? "1 key" : `${keys} keys`;
}

function collected(value: string, before: string[]): string[] {
  return [...before, value];
}

function words(value: string, before: string[]): string[] {
  return [...before, ...value.split(" ").filter((word) => word !== "")];
}

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import { loadConfig } from "../config/load.js";
import { type AgentScopes, type GrantUse, type ScopesReport, scopesReport } from "../evidence/scopes.js";
import { printable } from "../printable.js";
import { loadRegistry } from "../registry/load.js";
import { auditPaths } from "./audit_paths.js";
import { warn } from "./audit_query.js";
import { recordOptions, spanOf } from "./records.js";
import { configOption, type Done, example, exitCodes, print } from "./terminal.js";

interface Options {
  audit?: string[];
  config: string;
  from: string;
  to?: string;
  json?: boolean;
}

/** `countersign audit scopes`: what agents were granted against what they used. */
export function scopesCommand(done: Done): Command {
  return new Command("scopes")
    .description("Compare what each agent was granted with what it used.")
    .option(recordOptions.audit[0], `${recordOptions.audit[1]} (default: audit.dir of the configuration)`)
    .option(...configOption)
    .option(recordOptions.from[0], "only records since then: an RFC 3339 time, or a duration back", "30d")
    .option(recordOptions.to[0], "only records before then")
    .option("--json", "print the report as JSON")
    .addHelpText(...example("audit scopes --config countersign.yaml --from 90d"))
    .addHelpText(
      "after",
      "\nAgents that were registered over the API are in no file: GET /v1/audit/scopes knows their scopes.",
    )
    .action(async (options: Options) => {
      const { fromMs, toMs } = spanOf(options);
      const paths = auditPaths(options);
      const { agents: file } = loadConfig(options.config);
      const agents = existsSync(file) ? { agents: { file: basename(file), text: readFileSync(file, "utf8") } } : {};
      const granted = loadRegistry(agents).agents();
      const report = await scopesReport(paths, granted, { fromMs, ...(Number.isFinite(toMs) && { toMs }) });
      print(options.json ? JSON.stringify(report) : text(report));
      if (warn(report.unreadable)) done(exitCodes.failed);
    });
}

function text({ covered, agents }: ScopesReport): string {
  const span = `from ${covered.from ?? "the first record"} to ${covered.to ?? "now"}`;
  return [span, ...agents.flatMap((agent) => ["", ...linesOf(agent)])].join("\n");
}

function linesOf(agent: AgentScopes): string[] {
  const state = agent.registered ? (agent.disabled ? " (disabled)" : "") : " (not registered in agents.yaml)";
  return [
    `${printable(agent.agent_id)}${state}`,
    ...(agent.roles.length > 0 ? [`  roles ${printable(agent.roles.join(", "))}`] : []),
    ...agent.grants.map((grant) => `  granted  ${grantText(grant)}`),
    ...agent.token_scopes.map((grant) => `  in token ${grantText(grant)}`),
    ...agent.used.map((use) => `  used     ${actionText(use)}, ${use.calls} times, last ${use.last}`),
    ...agent.exceeded.map(
      (use) => `  refused  ${actionText(use)}, ${use.calls} times as scope_exceeded, last ${use.last}`,
    ),
    ...(agent.used.length === 0 ? ["  used nothing"] : []),
    ...(agent.cut ? ["  and more that is not told apart"] : []),
  ];
}

function grantText({ scope, calls, last, enough }: GrantUse): string {
  if (calls === 0) return `${printable(scope)}: never used`;
  const narrower = enough === null ? "" : `; enough would be ${printable(enough.join(" "), 1_000)}`;
  return `${printable(scope)}: ${calls} calls, last ${last}${narrower}`;
}

function actionText({ tool, action }: AgentScopes["used"][number]): string {
  return printable(`${tool ?? "?"}:${action ?? "?"}`);
}

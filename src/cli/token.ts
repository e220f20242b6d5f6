import { Command } from "commander";
import { parseDuration } from "../duration.js";
import { issueToken } from "../identify/issue.js";
import { readKeyFile } from "../keys/keys.js";
import { systemRuntime } from "../runtime.js";
import { findAgent } from "./agent.js";
import { configOption, type Done, print, WrongUse } from "./terminal.js";

interface Options {
  config: string;
  scope?: string;
  ttl?: string;
  session?: string;
  workflowRun?: string;
  initiatedBy?: string;
  json?: boolean;
}

/** `countersign token`: a short-lived agent token, signed with the issuer's key on this machine. */
export function tokenCommand(_done: Done): Command {
  return new Command("token")
    .description("Issue a short-lived token for a registered agent.")
    .argument("<agent>", "id in agents.yaml")
    .option(...configOption)
    .option("--scope <scopes>", "tool:action patterns separated by spaces (default: all of the agent's)")
    .option("--ttl <duration>", "lifetime, such as 15m (default: identity.issuer.token_ttl)")
    .option("--session <id>", "session the token binds (default: a new one)")
    .option("--workflow-run <id>", "run in CI that the session belongs to")
    .option("--initiated-by <person>", "who started the session; role and clearance come from people.yaml")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  countersign token deploy-manager --ttl 15m --initiated-by alice@example.com")
    .action(async (id: string, options: Options) => {
      const { config, registry, agent } = findAgent(id, options.config);
      const { issuer } = config.identity;
      const ttlMs = options.ttl === undefined ? issuer.token_ttl : parseDuration(options.ttl);
      if (ttlMs === null) throw new WrongUse("--ttl: write a duration as 15m or 1h");
      const person = options.initiatedBy === undefined ? undefined : registry.person(options.initiatedBy);
      if (options.initiatedBy !== undefined && !person) {
        throw new WrongUse(`--initiated-by: ${options.initiatedBy} is not in ${config.people}`);
      }
      const token = await issue({
        key: await readKeyFile(issuer.key_file, "issuer"),
        issuer: issuer.url,
        audience: issuer.audience,
        agent,
        ttlMs,
        maxTtlMs: issuer.max_ttl,
        scope: options.scope ?? agent.scopes.join(" "),
        session_id: options.session ?? `ses_${systemRuntime.id()}`,
        ...(options.workflowRun !== undefined && { workflow_run_id: options.workflowRun }),
        ...(person && { initiated_by: person.id }),
        ...(person?.role !== undefined && { role: person.role }),
        ...(person?.clearance !== undefined && { clearance: person.clearance }),
        now: systemRuntime.now(),
        id: systemRuntime.id(),
      });
      print(options.json ? JSON.stringify({ agent: id, token, expires_in: Math.floor(ttlMs / 1000) }) : token);
    });
}

async function issue(request: Parameters<typeof issueToken>[0]): Promise<string> {
  try {
    return await issueToken(request);
  } catch (error) {
    throw new WrongUse(error instanceof Error ? error.message : String(error));
  }
}

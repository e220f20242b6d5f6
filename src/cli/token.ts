import { Command } from "commander";
import { ZodError } from "zod";
import { parseDuration } from "../duration.js";
import { issueToken, type TokenRequest } from "../identify/issue.js";
import { meetScopes, scopesOf } from "../identify/scopes.js";
import { readKeyFile } from "../keys/keys.js";
import type { Agent } from "../registry/registry.js";
import { systemRuntime } from "../runtime.js";
import { findAgent } from "./agent.js";
import { configOption, type Done, example, messageOf, print, WrongUse } from "./terminal.js";

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
    .addHelpText(...example("token deploy-manager --ttl 15m --initiated-by alice@example.com"))
    .action(async (id: string, options: Options) => {
      const { config, registry, agent } = findAgent(id, options.config);
      const { issuer } = config.identity;
      if (agent.disabled) throw new WrongUse(`${id} is disabled in ${config.agents}`);
      const ttlMs = options.ttl === undefined ? issuer.token_ttl : lifetime(options.ttl, issuer.max_ttl);
      const scope = options.scope ?? agent.scopes.join(" ");
      refuseUseless(scope, agent);
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
        scope,
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

function lifetime(text: string, maxMs: number): number {
  const ms = parseDuration(text);
  if (ms === null) throw new WrongUse("--ttl: write a duration as 15m or 1h");
  if (ms >= 1000 && ms <= maxMs) return ms;
  throw new WrongUse(`--ttl: must be from 1s to ${Math.floor(maxMs / 1000)}s, which is identity.issuer.max_ttl`);
}

/** A scope that the agent is not registered for would be in the token and permit nothing. */
function refuseUseless(scope: string, agent: Agent): void {
  const useless = scopesOf(scope).find((one) => meetScopes(agent.scopes, [one]).length === 0);
  if (useless === undefined) return;
  throw new WrongUse(`--scope: ${useless} is outside the scopes of ${agent.id}: ${agent.scopes.join(" ") || "none"}`);
}

async function issue(request: TokenRequest): Promise<string> {
  try {
    return await issueToken(request);
  } catch (error) {
    if (!(error instanceof ZodError)) throw new WrongUse(messageOf(error));
    const claim = String(error.issues[0]?.path[0]);
    throw new WrongUse(claimForms[claim] ?? `no token may hold this ${claim}`);
  }
}

const claimForms: Readonly<Record<string, string>> = {
  session_id: "--session: must be 1 to 128 visible characters without spaces, and must not begin with open:",
  workflow_run_id: "--workflow-run: must be 1 to 256 characters on one line",
};

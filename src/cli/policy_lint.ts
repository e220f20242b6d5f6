import { existsSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import { loadConfig } from "../config/load.js";
import { loadCatalogue } from "../decode/catalogue.js";
import { createEngine } from "../evaluate/engine.js";
import { formatProblem, InvalidFile } from "../files/located_yaml.js";
import type { PolicySet } from "../policies/policy_set.js";
import { loadProgram } from "../policies/program.js";
import { type Finding, findingText, lintPolicies } from "../policy_tools/lint/lint.js";
import { parseAgentsFile } from "../registry/agents_file.js";
import { parsePeopleFile } from "../registry/people_file.js";
import { readText } from "../workspace/files.js";
import { isBundle, readPolicies } from "../workspace/policies.js";
import { count, open, type Source, sourceOf } from "./policy_source.js";
import { configOption, type Done, example, exitCodes, mustExist, print } from "./terminal.js";

/** What policies are checked against, each named by an option or by the configuration. */
const besideKeys = ["tools", "people", "agents"] as const;
type Against = { [K in (typeof besideKeys)[number]]?: string };

interface LintOptions extends Against {
  config: string;
  strict?: boolean;
  json?: boolean;
}

/** `countersign policy lint`: mistakes, and what is most likely not meant. */
export function policyLintCommand(done: Done): Command {
  return new Command("lint")
    .description("Check policy files; mistakes, and warnings of what can have no effect, are told with their line.")
    .argument("[path]", "folder, file or bundle (default: what the configuration names)")
    .option(...configOption)
    .option("--tools <file>", "tool catalogue to check against (default: the configuration's, with its policies)")
    .option("--people <file>", "people to check against (default: the configuration's, with its policies)")
    .option("--agents <file>", "agents to check against (default: the configuration's, with its policies)")
    .option("--strict", "end with status 1 on warnings too")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy lint ./policies --tools ./tools.yaml"))
    .action(async (path: string | undefined, options: LintOptions) => {
      const source = sourceOf(path, options.config);
      const against = besides(path, options);
      try {
        const { set, findings } = await lint(source, against);
        print(options.json ? forPrograms(set, findings) : forPeople(set, findings));
        if (options.strict && findings.some(({ level }) => level === "warning")) done(exitCodes.failed);
      } catch (error) {
        if (!(error instanceof InvalidFile)) throw error;
        if (options.json) print(JSON.stringify({ ok: false, problems: error.problems }));
        else print(error.problems.map(formatProblem).join("\n"));
        done(exitCodes.failed);
      }
    });
}

/** The configuration's own files go with the configuration's own policies. */
function besides(path: string | undefined, options: LintOptions): Against {
  const own: Against = path === undefined ? loadConfig(options.config) : {};
  const found = besideKeys.flatMap((key) => {
    const [named, configured] = [options[key], own[key]];
    if (named !== undefined) mustExist(named);
    const file = named ?? (configured !== undefined && existsSync(configured) ? configured : undefined);
    return file === undefined ? [] : [[key, file]];
  });
  return Object.fromEntries(found);
}

async function lint(source: Source, against: Against): Promise<{ set: PolicySet; findings: Finding[] }> {
  const program = loadProgram();
  const set = await open(source, program);
  // A bundle has no lines to point at; its files were checked where they were written.
  if (isBundle(source.path)) return { set, findings: [] };
  const { tools, people, agents } = against;
  const findings = lintPolicies(readPolicies(source.path), set, {
    catalogue: read(tools, loadCatalogue),
    people: read(people, parsePeopleFile)?.map(({ person }) => person) ?? null,
    agents: read(agents, parseAgentsFile)?.entries.map(({ agent }) => agent.id) ?? null,
    engine: createEngine(program),
  });
  return { set, findings };
}

function read<T>(path: string | undefined, parse: (file: string, text: string) => T): T | null {
  return path === undefined ? null : parse(basename(path), readText(path));
}

function agentsOf({ documents }: PolicySet): string[] {
  return [...documents.keys()].filter((agent) => agent !== "*");
}

function forPrograms(set: PolicySet, findings: readonly Finding[]): string {
  const { version: policy_version, files } = set;
  return JSON.stringify({ ok: true, policy_version, files, agents: agentsOf(set), findings });
}

function forPeople(set: PolicySet, findings: readonly Finding[]): string {
  const warnings = findings.filter(({ level }) => level === "warning").length;
  const found = warnings === 0 ? "no mistakes" : `no mistakes, ${count(warnings, "warning")}`;
  const summary = `${count(set.files.length, "file")}, ${count(agentsOf(set).length, "agent")}, ${found}: ${set.version}`;
  return [...findings.map(findingText), summary].join("\n");
}

import { readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "commander";
import { loadCatalogue } from "../decode/catalogue.js";
import { loadProgram } from "../policies/program.js";
import { readCases } from "../policy_tools/cases/read.js";
import { failureText, passed, type Result, runCases } from "../policy_tools/cases/run.js";
import { updatedText } from "../policy_tools/cases/update.js";
import { withJudges } from "../policy_tools/judges.js";
import { readText } from "../workspace/files.js";
import { open, sourceOf } from "./policy_source.js";
import { configOption, type Done, example, exitCodes, mustExist, print, WrongUse } from "./terminal.js";

interface TestOptions {
  config: string;
  cases?: string[];
  update?: boolean;
  tools?: string;
  json?: boolean;
}

/** `countersign policy test`: cases that people wrote, asked of the policies. */
export function policyTestCommand(done: Done): Command {
  return new Command("test")
    .description("Ask policies about written cases, and say which are not answered as wanted.")
    .argument("[path]", "folder, file or bundle (default: what the configuration names)")
    .option(...configOption)
    .option("--cases <path...>", "case files or folders of them (default: the folder `cases` beside the policies)")
    .option("--tools <file>", "tool catalogue; a case for a tool that it does not have is then a mistake")
    .option("--update", "write into the files what the policies answer, for a person to look at")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy test ./policies --cases ./policies/cases"))
    .action(async (path: string | undefined, options: TestOptions) => {
      const source = sourceOf(path, options.config);
      const files = caseFiles(options.cases ?? [join(source.path, "cases")], options.cases !== undefined);
      const cases = readCases(files, options.tools === undefined ? null : toolNames(options.tools));
      const program = loadProgram();
      const set = await open(source, program);
      const results = await withJudges(set, program, (judges) => runCases(cases, judges));
      const failed = results.filter((result) => !passed(result));
      if (options.update) update(files, failed);
      if (options.json) print(JSON.stringify(forPrograms(set.version, results)));
      else {
        for (const result of failed) print(failureText(result));
        print(`${results.length - failed.length} passed, ${failed.length} failed`);
      }
      const remain = options.update ? failed.filter(({ got }) => got === null) : failed;
      if (remain.length > 0) done(exitCodes.failed);
    });
}

/** Case files of these places. Without any there is nothing that a passing result would say. */
function caseFiles(places: readonly string[], given: boolean): { file: string; text: string }[] {
  if (given) places.forEach(mustExist);
  const files = places.flatMap((place) => (isFolder(place) ? yamlIn(place) : given ? [place] : []));
  if (files.length === 0) throw new WrongUse(`there are no cases in ${places.join(", ")}; name some with --cases`);
  return files.map((file) => ({ file, text: readText(file) }));
}

function yamlIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /\.ya?ml$/i.test(name) && !name.startsWith("."));
  return names.sort().map((name) => join(folder, name));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function toolNames(path: string): Set<string> {
  mustExist(path);
  return new Set(loadCatalogue(basename(path), readText(path)).tools.map(({ name }) => name));
}

function update(files: readonly { file: string; text: string }[], failed: readonly Result[]): void {
  for (const { file, text } of files) {
    const own = failed.filter((result) => result.case.file === file);
    const updated = updatedText(text, own);
    if (updated !== text) writeFileSync(file, updated);
  }
}

function forPrograms(version: string, results: readonly Result[]): object {
  const failures = results
    .filter((result) => !passed(result))
    .map(({ case: { file, line, description }, differences, error }) => ({
      file,
      line,
      description,
      ...(error === null ? { differences } : { error }),
    }));
  const counts = { passed: results.length - failures.length, failed: failures.length };
  return { ok: failures.length === 0, policy_version: version, ...counts, failures };
}

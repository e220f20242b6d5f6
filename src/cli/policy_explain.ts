import { text } from "node:stream/consumers";
import { Command } from "commander";

import { readDecisions } from "../audit/read.js";
import type { Json } from "../call.js";
import { loadProgram } from "../policies/program.js";
import { readCall } from "../policy_tools/case_input.js";
import { explain } from "../policy_tools/explain/explain.js";
import { maskedPlaces } from "../policy_tools/explain/masked_places.js";
import { explanationText } from "../policy_tools/explain/text.js";
import { withJudges } from "../policy_tools/judges.js";
import { readText } from "../workspace/files.js";
import { open, sourceOf } from "./policy_source.js";
import { recordsIn } from "./records.js";
import { configOption, example, mustExist, print, WrongUse } from "./terminal.js";

interface ExplainOptions {
  config: string;
  input?: string;
  audit?: string[];
  decision?: string;
  json?: boolean;
}

/** What is asked about, and whatever of it is not as it was. */
interface Question {
  input: { [name: string]: Json };
  masked: string[];
}

/** `countersign policy explain`: which rule decides about a call, and on which value. */
export function policyExplainCommand(): Command {
  return new Command("explain")
    .description("Say why policies decide about a call as they do.")
    .argument("[path]", "folder, file or bundle (default: what the configuration names)")
    .option(...configOption)
    .option("-i, --input <file>", "the call, written as in a test case; - for standard input")
    .option("--audit <path...>", "with --decision: audit directories or record files")
    .option("--decision <id>", "the recorded decision whose call is judged again")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy explain ./policies --input call.yaml"))
    .action(async (path: string | undefined, options: ExplainOptions) => {
      const { input, masked } = await questionOf(options);
      const program = loadProgram();
      const set = await open(sourceOf(path, options.config), program);
      const explanation = await withJudges(set, program, (judges) => explain(input, judges));
      if (options.json) {
        const { policyVersion: policy_version, judgement, files, others } = explanation;
        const { computed: decision, enforced, input, tags } = judgement;
        print(JSON.stringify({ decision, enforced, policy_version, tags, files, others, input, masked }));
        return;
      }
      print(explanationText(explanation));
      if (masked.length > 0) print(`\nmasked in the record, and judged as it stands there: ${masked.join(", ")}`);
    });
}

async function questionOf({ input, audit, decision }: ExplainOptions): Promise<Question> {
  if (input !== undefined && audit === undefined && decision === undefined) {
    if (input !== "-") mustExist(input);
    const written = input === "-" ? await text(process.stdin) : readText(input);
    return { input: readCall(input === "-" ? "(standard input)" : input, written, Date.now()), masked: [] };
  }
  if (input === undefined && audit !== undefined && decision !== undefined) return recorded(audit, decision);
  throw new WrongUse("name a call with --input, or a recorded one with --audit and --decision");
}

async function recorded(paths: readonly string[], id: string): Promise<Question> {
  for await (const { record } of readDecisions(await recordsIn(paths))) {
    if (record.decision_id !== id) continue;
    if (record.aggregated) throw new WrongUse(`${id} was counted with others, without what it asked for`);
    const input = record.opa_decision?.input;
    if (input === undefined) throw new WrongUse(`${id} was refused (${record.reason}) before policies were asked`);
    if ("omitted" in input) throw new WrongUse(`the call of ${id} was too large to be recorded`);
    return { input: input as { [name: string]: Json }, masked: maskedPlaces(input) };
  }
  throw new WrongUse(`there is no decision ${id} in these records`);
}

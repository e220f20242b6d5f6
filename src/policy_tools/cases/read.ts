import type { Json } from "../../call.js";
import { InvalidFile, type Located, type Problem, parseLocated } from "../../files/located_yaml.js";
import { mergePatch } from "../../json/merge_patch.js";
import type { WrittenCall } from "../call_schema.js";
import { CallMistake, caseInput } from "../case_input.js";
import { type CaseFileSource, caseFileSchema, type Want } from "./schema.js";

/** One case, ready to be run. */
export interface Case {
  file: string;
  /** Where the case begins, from 1. */
  line: number;
  /** Its place in the file's list. */
  index: number;
  description: string;
  /** The input document without what policies ask to be found out. */
  input: { [name: string]: Json };
  want: Want;
}

/** Cases that do not say when they happen happen then: noon of a Thursday. */
const defaultTime = Date.parse("2026-01-01T12:00:00Z");

/** Reads the cases of some files; each `tools` entry is a name that cases may use, `null` = any. Throws `InvalidFile`. */
export function readCases(
  files: readonly { file: string; text: string }[],
  tools: ReadonlySet<string> | null = null,
): Case[] {
  const problems: Problem[] = [];
  const cases = files.flatMap(({ file, text }) => {
    try {
      return casesOf(parseLocated(file, text, caseFileSchema), tools, problems);
    } catch (error) {
      if (!(error instanceof InvalidFile)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new InvalidFile(problems);
  return cases;
}

function casesOf(located: Located<CaseFileSource>, tools: ReadonlySet<string> | null, problems: Problem[]): Case[] {
  const { input: shared = {}, cases } = located.value;
  return cases.flatMap(({ description, input: own = {}, want }, index) => {
    const written = mergePatch(shared as Json, own as Json) as WrittenCall;
    /** Where this case says it, else where the file does, else the case itself. */
    const place = (key: string, message: string): Problem => {
      if (Object.hasOwn(own, key)) return located.problem(["cases", index, "input", key], message);
      if (Object.hasOwn(shared, key)) return located.problem(["input", key], message);
      return located.problem(["cases", index], message);
    };
    try {
      const input = caseInput(written, defaultTime);
      if (tools && typeof input.tool === "string" && !tools.has(input.tool)) {
        throw new CallMistake("tool", `the catalogue has no tool ${input.tool}`);
      }
      const { line } = located.problem(["cases", index], "");
      return [{ file: located.file, line, index, description, input, want }];
    } catch (error) {
      if (!(error instanceof CallMistake)) throw error;
      problems.push(place(error.key, error.message));
      return [];
    }
  });
}

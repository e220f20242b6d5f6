import { readFileSync } from "node:fs";
import { sha256Hex } from "../canonical.js";
import { packagePath } from "../package_path.js";
import { patternWeight } from "./pattern_weight.js";
import { type ProgramInstance, resultOf, startProgram } from "./program_instance.js";

export { type Entrypoint, entrypoints, type ProgramInstance, resultOf } from "./program_instance.js";

/** The policy program, compiled once; each instance has its own memory. */
export interface Program {
  sha256: string;
  instantiate(): ProgramInstance;
  /** What is wrong with a pattern, `null` when the program's RE2 takes it, and in good time. */
  patternMistake(text: string): string | null;
}

/** Heaviest pattern that is taken: some milliseconds, which calls may have to pay anew. Most weigh less than a hundred. */
const heaviest = 4_000;

/** Loads the shipped `policies/policy.wasm`, or another file built from `policies/rego`. */
export function loadProgram(path: string = packagePath("policies/policy.wasm")): Program {
  const bytes = readFileSync(path);
  const module = new WebAssembly.Module(bytes);
  const instantiate = (): ProgramInstance => startProgram(module);
  let checker: ProgramInstance | null = null;
  return {
    sha256: sha256Hex(bytes),
    instantiate,
    patternMistake(text) {
      checker ??= instantiate();
      const [valid] = resultOf(checker.evaluate({ patterns: [text] }, "countersign/valid_patterns")) as unknown[];
      if (valid !== true) return "is not an RE2 pattern";
      const heavy = patternWeight(text) > heaviest;
      return heavy ? "takes too long to prepare: count fewer repetitions, or of fewer letters" : null;
    },
  };
}

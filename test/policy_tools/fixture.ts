import { createEngine } from "../../src/evaluate/engine.js";
import type { PolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import type { Mode } from "../../src/verdict.js";
import { policySetOf } from "../harness/policy_set.js";

export const program = loadProgram();
export const engine = createEngine(program);

/** Policies of YAML texts by file name. */
export function policies(files: Record<string, string>, mode: Mode = "enforce"): PolicySet {
  return policySetOf(files, program, mode);
}

import { assemblePolicySet, compileDocuments, type PolicySet } from "../../src/policies/policy_set.js";
import type { Program } from "../../src/policies/program.js";
import type { Mode } from "../../src/verdict.js";

/** A policy set of YAML or JSON texts by file name. Without Rego nothing of it has to wait. */
export function policySetOf(files: Record<string, string>, program: Program, mode: Mode = "enforce"): PolicySet {
  const texts = Object.entries(files).map(([file, text]) => ({ file, text }));
  const documents = compileDocuments(texts, program, mode);
  return assemblePolicySet({ files: Object.keys(files).sort(), documents, rego: null }, program);
}

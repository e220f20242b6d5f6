import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { sha256Hex } from "../canonical.js";
import { packagePath } from "../package_path.js";
import { patternWeight } from "./pattern_weight.js";

const { loadPolicySync } = createRequire(import.meta.url)(
  "@open-policy-agent/opa-wasm",
) as typeof import("@open-policy-agent/opa-wasm");

/** What `policy.wasm` can be asked; the first is the decision. */
export const entrypoints = [
  "countersign/decision",
  "countersign/explanation",
  "countersign/patterns",
  "countersign/valid_patterns",
] as const;
export type Entrypoint = (typeof entrypoints)[number];

/** The policy program, compiled once; each instance has its own memory. */
export interface Program {
  sha256: string;
  instantiate(): ProgramInstance;
  /** What is wrong with a pattern, `null` when the program's RE2 takes it, and in good time. */
  patternMistake(text: string): string | null;
}

/** One WASM instance with one agent's document before it at a time. */
export interface ProgramInstance {
  setData(data: object | ArrayBuffer): void;
  /** Returns OPA's result set: `[{result: ...}]`, empty when the entrypoint (the decision by default) is undefined. */
  evaluate(input: unknown | ArrayBuffer, entrypoint?: Entrypoint): unknown;
}

/** The one result of an entrypoint. Throws when there is none. */
export function resultOf(instance: ProgramInstance, input: unknown, entrypoint: Entrypoint): unknown {
  const results = instance.evaluate(input, entrypoint);
  if (!Array.isArray(results) || results.length !== 1) throw new Error("the policy program gave no single result");
  return (results[0] as { result?: unknown }).result;
}

/** Heaviest pattern that is taken: some milliseconds, which every call pays anew. Most weigh less than a hundred. */
const heaviest = 4_000;

/** Loads the shipped `policies/policy.wasm`, or another file built from `policies/rego`. */
export function loadProgram(path: string = packagePath("policies/policy.wasm")): Program {
  const bytes = readFileSync(path);
  const module = new WebAssembly.Module(bytes);
  const instantiate = (): ProgramInstance => {
    // No host builtin is offered: a program that needs one fails when it is loaded, not when it decides.
    const policy = loadPolicySync(module, { initial: 5, maximum: 1024 }) as unknown as Required<ProgramInstance>;
    return {
      setData: (data) => policy.setData(data),
      evaluate: (input, entrypoint = "countersign/decision") => policy.evaluate(input, entrypoint),
    };
  };
  let checker: ProgramInstance | null = null;
  return {
    sha256: sha256Hex(bytes),
    instantiate,
    patternMistake(text) {
      checker ??= instantiate();
      const [valid] = resultOf(checker, { patterns: [text] }, "countersign/valid_patterns") as unknown[];
      if (valid !== true) return "is not an RE2 pattern";
      const heavy = patternWeight(text) > heaviest;
      return heavy ? "takes too long to prepare: count fewer repetitions, or of fewer letters" : null;
    },
  };
}

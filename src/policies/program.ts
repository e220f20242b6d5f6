import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { sha256Hex } from "../canonical.js";
import { packagePath } from "../package_path.js";

const { loadPolicySync } = createRequire(import.meta.url)(
  "@open-policy-agent/opa-wasm",
) as typeof import("@open-policy-agent/opa-wasm");

/** The policy program, compiled once; each instance has its own memory. */
export interface Program {
  sha256: string;
  instantiate(): ProgramInstance;
}

/** One WASM instance with one agent's document before it at a time. */
export interface ProgramInstance {
  setData(data: object | ArrayBuffer): void;
  /** Returns OPA's result set: `[{result: ...}]`, empty when the entrypoint is undefined. */
  evaluate(input: unknown | ArrayBuffer): unknown;
}

/** Loads the shipped `policies/policy.wasm`, or another file built from `policies/rego`. */
export function loadProgram(path: string = packagePath("policies/policy.wasm")): Program {
  const bytes = readFileSync(path);
  const module = new WebAssembly.Module(bytes);
  return {
    sha256: sha256Hex(bytes),
    // No host builtin is offered: a program that needs one fails when it is loaded, not when it decides.
    instantiate: () => loadPolicySync(module, { initial: 5, maximum: 1024 }) as unknown as ProgramInstance,
  };
}

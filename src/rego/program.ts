import { createRequire } from "node:module";

const { loadPolicySync } = createRequire(import.meta.url)(
  "@open-policy-agent/opa-wasm",
) as typeof import("@open-policy-agent/opa-wasm");

/** WebAssembly pages of 64 KiB. Programs need a few to begin with; one evaluation may fill 64 MiB. */
const memory = { initial: 32, maximum: 1024 } as const;

/** A compiled program with its own memory. Not to be used again after it threw. */
export interface RegoProgram {
  entrypoints: Readonly<Record<string, number>>;
  /** OPA's result set: `[{result: ...}]`, empty when the entrypoint is undefined. The input is JSON. */
  evaluate(input: ArrayBuffer, entrypoint: string): unknown;
}

/** Throws for bytes that are no program of OPA's, and for a program that needs builtins from outside WebAssembly. */
export function loadRegoProgram(wasm: Uint8Array): RegoProgram {
  const policy = loadPolicySync(new WebAssembly.Module(wasm), { ...memory });
  const needed = Object.keys(neededBuiltins(policy));
  // The library would lend its own, in JavaScript: unbounded regular expressions, YAML, random numbers.
  if (needed.length > 0) throw new Error(`not part of WebAssembly: ${needed.join(", ")}`);
  return policy as unknown as RegoProgram;
}

/** Calls what every program exports: https://www.openpolicyagent.org/docs/wasm#exports */
function neededBuiltins(policy: ReturnType<typeof loadPolicySync>): object {
  const { wasmInstance, mem } = policy as unknown as {
    wasmInstance: { exports: { builtins(): number; opa_json_dump(value: number): number } };
    mem: { buffer: ArrayBuffer };
  };
  const start = wasmInstance.exports.opa_json_dump(wasmInstance.exports.builtins());
  const bytes = new Uint8Array(mem.buffer, start);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)))) as object;
}

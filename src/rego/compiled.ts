import { canonicalJson, sha256Hex } from "../canonical.js";
import { entrypointOf } from "./generated.js";
import { loadRegoProgram } from "./program.js";

/** A file of Rego as a user wrote it; the name is what messages call it. */
export interface RegoSource {
  file: string;
  text: string;
}

/** The user's Rego, ready to be evaluated. */
export interface CompiledRego {
  /** Lower-case hex, of `wasm` and `packages`. */
  sha256: string;
  /** Empty when no package is bound. */
  wasm: Uint8Array;
  /** The bound packages, sorted. */
  packages: readonly string[];
  sources: readonly RegoSource[];
}

/**
 * Puts together what a bundle holds. Throws an `Error` when the bytes are no program, need builtins from outside
 * WebAssembly, or do not answer for one of the packages.
 */
export function loadCompiled(
  wasm: Uint8Array,
  packages: readonly string[],
  sources: readonly RegoSource[],
): CompiledRego {
  const bound = [...new Set(packages)].sort();
  if (bound.length > 0) {
    const { entrypoints } = loadRegoProgram(wasm);
    const unanswered = bound.filter((name) => !Object.hasOwn(entrypoints, entrypointOf(name)));
    if (unanswered.length > 0) throw new Error(`the compiled Rego does not answer for ${unanswered.join(", ")}`);
  }
  const sha256 = sha256Hex(`${sha256Hex(wasm)}\n${canonicalJson(bound)}`);
  return { sha256, wasm, packages: bound, sources };
}

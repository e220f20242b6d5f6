import type { AgentDocument } from "../policies/document.js";
import { type Entrypoint, type Program, type ProgramInstance, resultOf } from "../policies/program.js";

/** Runs the policy program with one agent's document before it. */
export interface Engine {
  /** The decision's result. Throws when the program fails; the broken instance is then thrown away. */
  run(id: string, document: AgentDocument, input: unknown, entrypoint?: Entrypoint): unknown;
  /** For each pattern and each text, what the pattern (RE2) matches in it, in order. Throws as `run` does. */
  match(patterns: readonly { pattern: string }[], texts: readonly string[]): string[][][];
}

/**
 * Keeps one WASM instance and puts only the calling agent's document before it, so that memory and load time do not
 * grow with the number of agents.
 */
export function createEngine(program: Program): Engine {
  let instance: ProgramInstance | null = null;
  let loaded: AgentDocument | null = null;

  function guarded<T>(work: (instance: ProgramInstance) => T): T {
    instance ??= program.instantiate();
    try {
      return work(instance);
    } catch (error) {
      instance = null;
      loaded = null;
      throw error;
    }
  }

  return {
    run: (id, document, input, entrypoint = "countersign/decision") =>
      guarded((program) => {
        if (loaded !== document) {
          loaded = null;
          program.setData({ policies: { [id]: document } });
          loaded = document;
        }
        return resultOf(program, input, entrypoint);
      }),
    match: (patterns, texts) =>
      guarded((program) => {
        const input = { patterns: patterns.map(({ pattern }) => pattern), texts };
        return resultOf(program, input, "countersign/patterns") as string[][][];
      }),
  };
}

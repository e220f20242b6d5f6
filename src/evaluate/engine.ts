import type { AgentDocument } from "../policies/document.js";
import type { Program, ProgramInstance } from "../policies/program.js";

/** Runs the policy program with one agent's document before it. */
export interface Engine {
  /** The entrypoint's result. Throws when the program fails; the broken instance is then thrown away. */
  run(id: string, document: AgentDocument, input: unknown): unknown;
}

/**
 * Keeps one WASM instance and puts only the calling agent's document before it, so that memory and load time do not
 * grow with the number of agents.
 */
export function createEngine(program: Program): Engine {
  let instance: ProgramInstance | null = null;
  let loaded: AgentDocument | null = null;

  return {
    run(id, document, input) {
      instance ??= program.instantiate();
      try {
        if (loaded !== document) {
          loaded = null;
          instance.setData({ policies: { [id]: document } });
          loaded = document;
        }
        const results = instance.evaluate(input);
        if (!Array.isArray(results) || results.length !== 1)
          throw new Error("the policy program gave no single result");
        return (results[0] as { result?: unknown }).result;
      } catch (error) {
        instance = null;
        loaded = null;
        throw error;
      }
    },
  };
}

/** The thread in which users' Rego runs: one request at a time, in order, each with one reply. */
import { parentPort } from "node:worker_threads";
import { type RegoAnswer, readAnswer } from "./answer.js";
import { entrypointOf } from "./generated.js";
import { loadRegoProgram, type RegoProgram } from "./program.js";

/** `id` is the hash of the compiled Rego; `input` is JSON. */
export type Request =
  | { kind: "load"; id: string; wasm: Uint8Array }
  | { kind: "evaluate"; id: string; name: string; input: ArrayBuffer };

/** Comes once at the start, and after every request. */
export interface Reply {
  /** To `evaluate`. */
  answer?: RegoAnswer;
  /** Hashes of what can be evaluated from now on without being loaded again. */
  loaded: string[];
}

/** The set in force, and the one that a reload replaces. Each may hold up to 64 MiB. */
const kept = 2;
const programs = new Map<string, RegoProgram>();

function load(id: string, wasm: Uint8Array): void {
  programs.set(id, loadRegoProgram(wasm));
  for (const oldest of [...programs.keys()].slice(0, -kept)) programs.delete(oldest);
}

function evaluate(id: string, name: string, input: ArrayBuffer): RegoAnswer {
  try {
    const program = programs.get(id);
    return program === undefined ? { failed: "error" } : readAnswer(program.evaluate(input, entrypointOf(name)));
  } catch {
    // What a program leaves in its memory when it breaks off is unknown.
    programs.delete(id);
    return { failed: "error" };
  }
}

function reply(content: Omit<Reply, "loaded">): void {
  parentPort?.postMessage({ ...content, loaded: [...programs.keys()] } satisfies Reply);
}

parentPort?.on("message", (request: Request) => {
  if (request.kind === "load") {
    load(request.id, request.wasm);
    reply({});
  } else {
    reply({ answer: evaluate(request.id, request.name, request.input) });
  }
});
reply({});

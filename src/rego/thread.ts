import { Worker } from "node:worker_threads";
import { packagePath } from "../package_path.js";
import type { RegoAnswer } from "./answer.js";
import type { CompiledRego } from "./compiled.js";
import type { Reply, Request } from "./worker.js";

/** One question to one package. */
export interface Evaluation {
  rego: CompiledRego;
  name: string;
  /** JSON. */
  input: ArrayBuffer;
}

/** A worker thread; it does one thing at a time. */
export interface Thread {
  /** An ended thread answers no more: it was too slow, broke down, or was told to. */
  readonly ended: boolean;
  evaluate(evaluation: Evaluation): Promise<RegoAnswer>;
  end(): Promise<void>;
}

/** For the start of a thread, and for loading a program; only a thread that is broken takes so long. */
const preparationMs = 10_000;
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };

/**
 * Starts a thread; it does not keep the process alive unless it evaluates. Threads need JavaScript that runs as it is, so
 * they run the compiled file, also where the caller itself is run from its sources.
 */
export function startThread(deadlineMs: number): Thread {
  const worker = new Worker(packagePath("dist/rego/worker.js"), { env: {}, execArgv: [], resourceLimits });
  let ended = false;
  let loaded: readonly string[] = [];
  let waiting: ((reply: Reply | "late" | "ended") => void) | undefined;

  const receive = (reply: Reply | "late" | "ended") => {
    if (typeof reply === "string") {
      ended = true;
      void worker.terminate();
    } else loaded = reply.loaded;
    const waited = waiting;
    waiting = undefined;
    waited?.(reply);
  };
  worker.on("message", receive);
  for (const end of ["error", "messageerror", "exit"]) worker.on(end, () => receive("ended"));
  worker.unref();

  const ask = (limitMs: number, request?: Request) =>
    new Promise<Reply | "late" | "ended">((resolve) => {
      if (ended) return resolve("ended");
      // A reply that came while this thread was busy lies ready: it is read before the lateness is believed.
      const timer = setTimeout(() => setImmediate(() => waiting === answered && receive("late")), limitMs).unref();
      const answered = (reply: Reply | "late" | "ended") => {
        clearTimeout(timer);
        resolve(reply);
      };
      waiting = answered;
      if (request !== undefined) worker.postMessage(request);
    });
  const started = ask(preparationMs);

  const evaluate = async ({ rego, name, input }: Evaluation): Promise<RegoAnswer> => {
    await started;
    const id = rego.sha256;
    if (!loaded.includes(id)) await ask(preparationMs, { kind: "load", id, wasm: rego.wasm });
    const reply = await ask(deadlineMs, { kind: "evaluate", id, name, input });
    if (reply === "late") return { failed: "deadline" };
    return reply === "ended" ? { failed: "error" } : (reply.answer ?? { failed: "error" });
  };

  return {
    get ended() {
      return ended;
    },
    async evaluate(evaluation) {
      worker.ref();
      try {
        return await evaluate(evaluation);
      } finally {
        worker.unref();
      }
    },
    async end() {
      await worker.terminate();
    },
  };
}

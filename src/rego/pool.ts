import type { RegoAnswer } from "./answer.js";
import type { CompiledRego } from "./compiled.js";
import { type Evaluation, startThread, type Thread } from "./thread.js";

export type { RegoAnswer, RegoFailure } from "./answer.js";

/** Evaluates users' Rego in threads of its own, within bounds of time and memory. */
export interface RegoPool {
  /**
   * What each of the packages says of the input, which is any value with a JSON form. Never rejects: a failure is the
   * answer of the package that failed, and does not touch the other packages.
   */
  evaluate(rego: CompiledRego, packages: readonly string[], input: unknown): Promise<Record<string, RegoAnswer>>;
  /** Ends all threads. What is under way, waits, or comes later is answered with `error`. */
  close(): Promise<void>;
}

export interface RegoPoolOptions {
  /** Threads, each with one evaluation at a time. Default 2. */
  workers?: number;
  /** Milliseconds for one package, from the moment that a thread is ready for it. Default 100. */
  deadlineMs?: number;
  /** Evaluations of one package that may wait for a thread. Default 256. */
  maxQueued?: number;
}

interface Job extends Evaluation {
  answer(answer: RegoAnswer): void;
}

/** A thread and those that replace it, one after the other. */
interface Lane {
  thread: Thread;
  busy: boolean;
}

/** Threads are started when the first package is asked: most policies have none. Their start is not on the clock. */
export function createRegoPool({ workers = 2, deadlineMs = 100, maxQueued = 256 }: RegoPoolOptions = {}): RegoPool {
  const queue: Job[] = [];
  const lanes: Lane[] = [];
  let closed = false;

  const replace = (lane: Lane) => {
    try {
      lane.thread = startThread(deadlineMs);
    } catch {
      // The system gives no thread. The ended one fails the next evaluation, after which it is tried again.
    }
  };

  const work = async (lane: Lane): Promise<void> => {
    lane.busy = true;
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      job.answer(await lane.thread.evaluate(job));
      if (lane.thread.ended && !closed) replace(lane);
    }
    lane.busy = false;
  };

  const ask = (evaluation: Evaluation): Promise<RegoAnswer> =>
    new Promise((answer) => {
      while (lanes.length < workers) lanes.push({ thread: startThread(deadlineMs), busy: false });
      const lane = lanes.find(({ busy }) => !busy);
      if (lane === undefined && queue.length >= maxQueued) return answer({ failed: "overloaded" });
      queue.push({ ...evaluation, answer });
      if (lane !== undefined) void work(lane);
    });

  return {
    async evaluate(rego, packages, input) {
      const json = jsonBytes(input);
      const answers = packages.map(async (name): Promise<[string, RegoAnswer]> => {
        if (!rego.packages.includes(name)) return [name, { failed: "undefined" }];
        return [name, json === null || closed ? { failed: "error" } : await ask({ rego, name, input: json })];
      });
      return Object.fromEntries(await Promise.all(answers));
    },
    async close() {
      closed = true;
      for (const job of queue.splice(0)) job.answer({ failed: "error" });
      await Promise.all(lanes.map(({ thread }) => thread.end()));
    },
  };
}

function jsonBytes(value: unknown): ArrayBuffer | null {
  try {
    const text: string | undefined = JSON.stringify(value);
    return text === undefined ? null : new TextEncoder().encode(text).buffer;
  } catch {
    return null;
  }
}

import type { RegoAnswer, RegoFailure } from "./answer.js";
import type { CompiledRego } from "./compiled.js";
import { startThread, type Thread } from "./thread.js";
import { createTurns, type Task } from "./turns.js";

export type { RegoAnswer, RegoFailure } from "./answer.js";

/** Evaluates users' Rego in threads of its own, within bounds of time and memory. */
export interface RegoPool {
  /**
   * What each of the packages says of the input, which is any value with a JSON form and stays as it is until the answer
   * comes. Never rejects: a failure is the answer of the package that failed, and does not touch the other packages.
   * Agents are served in turn, so that one with slow calls does not hold up the others.
   */
  evaluate(
    rego: CompiledRego,
    packages: readonly string[],
    input: unknown,
    agent: string,
  ): Promise<Record<string, RegoAnswer>>;
  /** Ends all threads. What is under way, waits, or comes later is answered with `error`. */
  close(): Promise<void>;
}

export interface RegoPoolOptions {
  /** Threads, each with one evaluation at a time. One agent gets all but one of them, and at least one. Default 2. */
  workers?: number;
  /** Milliseconds for one package, from the moment that a thread is ready for it. Default 100. */
  deadlineMs?: number;
  /** Calls of one agent that may wait for a thread, at least 1. Default 32. */
  maxQueued?: number;
  /** Calls of all agents that may wait, at least 1. Beyond it, the agent with the most of them loses one. Default 1024. */
  maxQueuedInAll?: number;
  /** Milliseconds from a call's arrival within which each of its packages has to be begun. Default 1000. */
  maxWaitMs?: number;
}

/** What is asked of several packages; its steps are their names. */
interface Call extends Task {
  rego: CompiledRego;
  /** JSON, made at the first turn: calls that wait hold no copy. `null` = there is no such form. */
  json(): ArrayBuffer | null;
  answer(name: string, answer: RegoAnswer): void;
}

/** A thread and those that replace it, one after the other. */
interface Lane {
  thread: Thread;
  busy: boolean;
}

/** Threads are started when the first package is asked: most policies have none. Their start is not on the deadline. */
export function createRegoPool({
  workers = 2,
  deadlineMs = 100,
  maxQueued = 32,
  maxQueuedInAll = 1024,
  maxWaitMs = 1000,
}: RegoPoolOptions = {}): RegoPool {
  const turns = createTurns<Call>({ running: Math.max(1, workers - 1), perAgent: maxQueued, inAll: maxQueuedInAll });
  const lanes: Lane[] = [];
  let closed = false;

  const startLanes = () => {
    try {
      while (lanes.length < workers) lanes.push({ thread: startThread(deadlineMs), busy: false });
    } catch {
      // The system gives no more threads. Those that are here do the work, and the next call tries again.
    }
  };

  const replace = (lane: Lane) => {
    try {
      lane.thread = startThread(deadlineMs);
    } catch {
      // The system gives no thread. The ended one fails the next evaluation, after which it is tried again.
    }
  };

  const run = async (lane: Lane, { rego, json }: Call, name: string): Promise<RegoAnswer> => {
    const input = json();
    if (input === null) return { failed: "error" };
    try {
      return await lane.thread.evaluate({ rego, name, input });
    } catch {
      return { failed: "error" };
    } finally {
      if (lane.thread.ended && !closed) replace(lane);
    }
  };

  const work = async (lane: Lane): Promise<void> => {
    lane.busy = true;
    for (let turn = turns.next(); turn !== undefined; turn = turns.next()) {
      const { task, step } = turn;
      task.answer(step, await run(lane, task, step));
      turns.done(task.agent);
    }
    lane.busy = false;
  };

  const begin = (call: Call) => {
    if (!closed) startLanes();
    if (closed || lanes.length === 0) return refuse(call, "error");
    const loser = turns.add(call);
    if (loser !== undefined) refuse(loser, "overloaded");
    for (const lane of lanes) if (!lane.busy) void work(lane);
  };

  const ask = (call: Omit<Call, "answer">) =>
    new Promise<Map<string, RegoAnswer>>((resolve) => {
      const answers = new Map<string, RegoAnswer>();
      const wanted = call.steps.length;
      if (wanted === 0) return resolve(answers);
      const answer = (name: string, said: RegoAnswer) => {
        answers.set(name, said);
        if (answers.size < wanted) return;
        clearTimeout(timer);
        resolve(answers);
      };
      const asked = { ...call, answer };
      const giveUp = () => {
        turns.remove(asked);
        refuse(asked, "overloaded");
      };
      const timer = setTimeout(giveUp, maxWaitMs).unref();
      begin(asked);
    });

  return {
    async evaluate(rego, packages, input, agent) {
      const steps = [...new Set(packages)].filter((name) => rego.packages.includes(name));
      const answers = await ask({ agent, steps, rego, json: once(() => jsonBytes(input)) });
      return Object.fromEntries(packages.map((name) => [name, answers.get(name) ?? { failed: "undefined" }]));
    },
    async close() {
      closed = true;
      for (const call of turns.clear()) refuse(call, "error");
      await Promise.all(lanes.map(({ thread }) => thread.end()));
    },
  };
}

/** Answers for the packages that had no turn. */
function refuse({ steps, answer }: Call, failed: RegoFailure): void {
  for (const name of steps.splice(0)) answer(name, { failed });
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
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

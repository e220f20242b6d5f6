import cluster, { type Worker } from "node:cluster";
import type { Logger } from "pino";
import { backoffMs } from "../backoff.js";
import type { Config } from "../config/schema.js";
import { heapAtRest } from "../heap_at_rest.js";
import type { FromWorker, ToWorker } from "./messages.js";

export interface SupervisorOptions {
  /** What every worker runs with, those that are started later included. */
  config: Config;
  /** Path of the program of a worker. */
  program: string;
  log: Logger;
}

/** A worker could not start. */
export class WorkerFailed extends Error {
  override readonly name = "WorkerFailed";

  /** `code`: the exit status that goes with it. */
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
  }
}

/** Where all workers together are reached, once all of them are ready. */
export interface Supervised {
  grpc: string[];
  http: string;
  policyVersion: string;
  /** All workers drain at once. Resolves with the exit status: 0 when each of them ended by itself and well. */
  stop(): Promise<number>;
}

/** Between the start of a worker and its next one, when it keeps ending. */
const restart = { firstMs: 250, mostMs: 30_000 };
/** A worker that was ready for so long has not failed to start. */
const settledMs = 60_000;
/** Beyond the grace for calls in flight: what comes after it has limits of its own, and this is beyond all of them. */
const closingMs = 20_000;
/** For workers that are no longer wanted, when another one could not start. */
const abandonMs = 5_000;

/** One of the numbers 1 to `workers`, and the process that has it now. */
interface Place {
  number: number;
  process: Worker | null;
  ready: Extract<FromWorker, { kind: "ready" }> | null;
  /** The others can ask it. */
  isLinked: boolean;
  /** By the monotonic clock, in milliseconds. */
  readyMs: number;
  failures: number;
  timer: NodeJS.Timeout | null;
  /** What the process said why it cannot start. */
  failed: WorkerFailed | null;
}

/**
 * Starts the workers and waits until all of them are ready; from then on one that ends is started again. Throws
 * `WorkerFailed`, once, when one of them cannot start, and then none is left.
 */
export async function supervise(options: SupervisorOptions): Promise<Supervised> {
  const supervisor = new Supervisor(options);
  return supervisor.start();
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: Place[];
  readonly #umask: number;
  #isStarted = false;
  #isStopping = false;
  /** Told of each worker that is ready or has ended. */
  #changed: () => void = () => {};
  #badEnds = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.config.workers }, (_, i) => placeOf(i + 1));
    // Sockets that workers listen on are made by this process: nobody else may reach one before its mode is set.
    this.#umask = process.umask();
    process.umask(this.#umask | 0o007);
    // Each worker takes connections by itself, so that nothing of a request goes through this process.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    const execArgv = [...process.execArgv, heapAtRest];
    cluster.setupPrimary({ exec: options.program, execArgv, args: [], serialization: "advanced" });
  }

  async start(): Promise<Supervised> {
    const started = new Promise<void>((resolve, reject) => {
      this.#changed = () => {
        const failed = this.#places.find(({ failed }) => failed)?.failed;
        if (failed) reject(failed);
        else if (this.#places.every(({ ready }) => ready)) resolve();
      };
    });
    for (const place of this.#places) this.#fork(place);
    try {
      await started;
    } catch (error) {
      await this.#end(abandonMs);
      throw error;
    }
    this.#isStarted = true;
    const ready = this.#places.flatMap((place) => place.ready ?? []);
    const [first] = ready;
    if (!first) throw new Error("no worker is ready");
    return {
      grpc: ready.map(({ grpc }) => grpc),
      http: first.http,
      policyVersion: first.policyVersion,
      stop: async () => {
        await this.#end(this.#options.config.shutdown_grace + closingMs);
        return this.#badEnds === 0 ? 0 : 1;
      },
    };
  }

  #fork(place: Place): void {
    const worker = cluster.fork();
    place.process = worker;
    place.ready = null;
    place.isLinked = false;
    place.failed = null;
    place.timer = null;
    worker.on("message", (message: FromWorker) => this.#heard(place, worker, message));
    worker.once("exit", (code, signal) => {
      const ended = (): void => this.#ended(place, code, signal);
      // What it said last may still be on its way.
      if (worker.isConnected()) worker.once("disconnect", ended);
      else ended();
    });
    // A worker that is ending cannot be told anything, and its end is seen anyway.
    worker.on("error", () => {});
  }

  #heard(place: Place, worker: Worker, message: FromWorker): void {
    const { config, log } = this.#options;
    // One that has ended may have said something before.
    if (place.process !== worker) return;
    switch (message.kind) {
      case "here": {
        const start = { config, worker: place.number, workers: config.workers, umask: this.#umask };
        tell(worker, this.#isStopping ? { kind: "stop" } : { kind: "start", ...start });
        return;
      }
      case "linked":
        place.isLinked = true;
        return;
      case "ready":
        place.ready = message;
        place.readyMs = performance.now();
        if (this.#isStarted) log.info({ worker: place.number }, "a worker is ready again");
        this.#changed();
        return;
      case "failed":
        place.failed = new WorkerFailed(message.message, message.code);
        if (this.#isStarted) log.error({ worker: place.number, error: message.message }, "a worker cannot start");
        this.#changed();
        return;
      case "ask":
        for (const other of this.#places) if (other !== place) this.#ask(place.number, worker, other, message);
        return;
      case "answer": {
        const asker = this.#places[message.to - 1]?.process;
        const { id, answer } = message;
        if (asker) tell(asker, { kind: "answered", from: place.number, id, answer });
        return;
      }
      default:
        message satisfies never;
    }
  }

  #ask(from: number, asker: Worker, to: Place, { id, question, asked }: Extract<FromWorker, { kind: "ask" }>): void {
    if (to.process && to.isLinked && tell(to.process, { kind: "asked", from, id, question, asked })) return;
    tell(asker, { kind: "answered", from: to.number, id, answer: { trouble: "is not running" } });
  }

  #ended(place: Place, code: number | null, signal: string | null): void {
    place.process = null;
    const wasReady = place.ready !== null;
    place.ready = null;
    if (this.#isStopping) {
      if (code !== 0) this.#badEnds += 1;
      this.#changed();
      return;
    }
    if (!this.#isStarted) {
      place.failed ??= new WorkerFailed(`worker ${place.number} ended before it was ready (${signal ?? code})`, 1);
      this.#changed();
      return;
    }
    const isSettled = wasReady && performance.now() - place.readyMs >= settledMs;
    place.failures = isSettled ? 1 : place.failures + 1;
    const inMs = backoffMs(place.failures, restart, Math.random());
    const { log } = this.#options;
    log.error({ worker: place.number, code, signal, again_in_ms: inMs }, "a worker has ended and is started again");
    place.timer = setTimeout(() => this.#fork(place), inMs);
  }

  /** Asks all to end, and ends by force what has not after so long. */
  async #end(withinMs: number): Promise<void> {
    this.#isStopping = true;
    const gone = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (this.#places.every(({ process }) => process === null)) resolve();
      };
    });
    for (const { process, timer } of this.#places) {
      if (timer) clearTimeout(timer);
      if (process) tell(process, { kind: "stop" });
    }
    const timer = setTimeout(() => {
      for (const { number, process: worker } of this.#places) {
        if (!worker) continue;
        this.#options.log.error({ worker: number }, "a worker did not end and is ended by force");
        worker.process.kill("SIGKILL");
      }
    }, withinMs);
    this.#changed();
    await gone;
    clearTimeout(timer);
  }
}

function placeOf(number: number): Place {
  return { number, process: null, ready: null, isLinked: false, readyMs: 0, failures: 0, timer: null, failed: null };
}

/** False for a worker that cannot be told anything any more. */
function tell(worker: Worker, message: ToWorker): boolean {
  if (!worker.isConnected()) return false;
  // It may go away in this moment: then its end is seen, and whoever asked is not left waiting.
  worker.send(message, () => {});
  return true;
}

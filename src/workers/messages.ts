import type { Config } from "../config/schema.js";

/** What one worker answers another, on its way. */
export type Answer = { value: unknown } | { trouble: string };

/** What workers tell the supervisor. */
export type FromWorker =
  /** It listens to what it is told; what was told before that is lost. */
  | { kind: "here" }
  /** From now on the others can ask it. */
  | { kind: "linked" }
  | { kind: "ready"; grpc: string; http: string; policyVersion: string }
  /** It cannot start: what the operator is to read, and the exit status that goes with it. */
  | { kind: "failed"; message: string; code: number }
  /** For every other worker. `id` is the asking worker's own. */
  | { kind: "ask"; id: number; question: string; asked: unknown }
  | { kind: "answer"; to: number; id: number; answer: Answer };

/** What the supervisor tells workers. */
export type ToWorker =
  /** `umask`: the one of the operator, since that of the supervisor is narrower. */
  | { kind: "start"; config: Config; worker: number; workers: number; umask: number }
  | { kind: "stop" }
  | { kind: "asked"; from: number; id: number; question: string; asked: unknown }
  | { kind: "answered"; from: number; id: number; answer: Answer };

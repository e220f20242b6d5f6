import { randomBytes } from "node:crypto";
import { ulidFactory } from "./ulid.js";

/** The outside world that a decision depends on, injected so that every stage can be tested without waiting. */
export interface Runtime {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Microseconds of a clock that never goes back; only differences mean anything. */
  monotonicMicros(): number;
  /** A new ULID: 26 characters, sorts by time. */
  id(): string;
  random(bytes: number): Uint8Array;
}

const ulid = ulidFactory(Date.now);

/** The real clock and random source of this process. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonicMicros: () => Math.round(performance.now() * 1000),
  id: ulid,
  random: (bytes) => randomBytes(bytes),
};

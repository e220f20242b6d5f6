import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8's memory reducer from its work: 2^31 - 1 ms, 24 days, is the longest that it can be told to wait after a full
 * collection. At rest it would collect until little more than what lives has room, and the first calls after a quiet minute would
 * pay for one collection after the other, on all cores, until the heap has grown back: agents call in bursts. What a server
 * holds at rest is then what it held under load.
 */
export const heapAtRest = `--gc-memory-reducer-start-delay-ms=${2 ** 31 - 1}`;

/** For this process, from its next full collection on. */
export function keepHeapAtRest(): void {
  setFlagsFromString(heapAtRest);
}

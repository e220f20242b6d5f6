import { StoreUnavailable } from "../store.js";
import type { Commands, Connected } from "./commands.js";

export type Step = <T>(work: (redis: Commands) => Promise<T>) => Promise<T>;

/** Runs one piece of work after the other, all of them within one wait. */
export function steps(connection: Connected): Step {
  const began = performance.now();
  return (work) => {
    const leftMs = Math.floor(connection.waitMs - (performance.now() - began));
    if (leftMs < 1) return Promise.reject(new StoreUnavailable(`not all of it within ${connection.waitMs} ms`));
    return connection.run(work, leftMs);
  };
}

import fc from "fast-check";

/** Runs that are made however long they take: a property that a slow machine never came to would hold of anything. */
const fewest = 10;

/**
 * The predicate of an asynchronous property for which no run begins after so many milliseconds, counted from the first one.
 * `interruptAfterTimeLimit` gives up the run that is under way, which then goes on beside what the test counts, closes and
 * removes.
 */
export function runsWithin<Given extends unknown[]>(
  ms: number,
  predicate: (...given: Given) => Promise<void>,
): (...given: Given) => Promise<void> {
  let runs = 0;
  let end: number | undefined;
  return (...given) => {
    end ??= performance.now() + ms;
    runs += 1;
    if (runs > fewest && performance.now() > end) throw new fc.PreconditionFailure(true);
    return predicate(...given);
  };
}

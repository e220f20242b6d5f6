/** A stage of one decision that took long. Times are microseconds of the runtime's monotonic clock. */
export interface SlowStage {
  stage: string;
  startUs: number;
  endUs: number;
  /** It threw: that may be an ordinary refusal. */
  threw: boolean;
}

/** Where stages of one decision that took long are noted. */
export interface Noted {
  slow: SlowStage[];
}

/** Stages that say how long they took: each takes, before its own arguments, where it notes that it was slow. */
export type Timed<S> = {
  [K in keyof S]: S[K] extends (...args: infer A) => infer R
    ? A["length"] extends 0 | 1 | 2 | 3
      ? (on: Noted, ...args: A) => R
      : never
    : never;
};

export interface StageWatch {
  monotonicMicros: () => number;
  /** Gives what counts the seconds of one stage. */
  observer: (stage: string) => (seconds: number) => void;
  /** A stage that takes so long is noted, in microseconds. */
  slowUs: number;
}

/**
 * Measures every call of every stage, whether it ends well or throws, from its own beginning: other decisions may have had
 * their turn since the stage before it. What is fast is only counted.
 */
export function timedStages<S extends object>(stages: S, watch: StageWatch): Timed<S> {
  const rows = Object.entries(stages).map(([name, run]) => [name, timed(name, run as Run, watch)]);
  return Object.fromEntries(rows) as Timed<S>;
}

/** No stage takes more than three arguments: a list of the rest would be made and taken apart for each call. */
type Run = (a: unknown, b: unknown, c: unknown) => unknown;

function timed(stage: string, run: Run, { monotonicMicros, observer, slowUs }: StageWatch) {
  const observe = observer(stage);
  const ended = (on: Noted, startUs: number, threw: boolean): void => {
    const endUs = monotonicMicros();
    observe((endUs - startUs) / 1e6);
    if (endUs - startUs >= slowUs) on.slow.push({ stage, startUs, endUs, threw });
  };
  // A function of its own, so that a stage that answers at once makes nothing for it. Half the work of an async one.
  const awaited = (on: Noted, startUs: number, result: Promise<unknown>): Promise<unknown> =>
    result.then(
      (value) => {
        ended(on, startUs, false);
        return value;
      },
      (error) => {
        ended(on, startUs, true);
        throw error;
      },
    );
  return (on: Noted, a: unknown, b: unknown, c: unknown): unknown => {
    const startUs = monotonicMicros();
    let result: unknown;
    try {
      result = run(a, b, c);
    } catch (error) {
      ended(on, startUs, true);
      throw error;
    }
    if (result instanceof Promise) return awaited(on, startUs, result);
    ended(on, startUs, false);
    return result;
  };
}

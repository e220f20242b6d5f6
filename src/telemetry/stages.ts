/** A stage of one decision that took long. Times are microseconds of the runtime's monotonic clock. */
export interface SlowStage {
  stage: string;
  startUs: number;
  endUs: number;
  /** It threw: that may be an ordinary refusal. */
  threw: boolean;
}

/** Where it is noted how far one decision has come. */
export interface Noted {
  slow: SlowStage[];
  /** When the last stage ended, or the decision began, in microseconds of the runtime's monotonic clock. */
  atUs: number;
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
 * Measures every call of every stage, whether it ends well or throws, from the end of the stage before it: what is between
 * them, which is little, belongs to the later one, and the clock is read once for each. What is fast is only counted.
 */
export function timedStages<S extends object>(stages: S, watch: StageWatch): Timed<S> {
  const rows = Object.entries(stages).map(([name, run]) => [name, timed(name, run as Run, watch)]);
  return Object.fromEntries(rows) as Timed<S>;
}

/** No stage takes more than three arguments: a list of the rest would be made and taken apart for each call. */
type Run = (a: unknown, b: unknown, c: unknown) => unknown;

function timed(stage: string, run: Run, { monotonicMicros, observer, slowUs }: StageWatch) {
  const observe = observer(stage);
  const ended = (on: Noted, threw: boolean): void => {
    const startUs = on.atUs;
    const endUs = monotonicMicros();
    on.atUs = endUs;
    observe((endUs - startUs) / 1e6);
    if (endUs - startUs >= slowUs) on.slow.push({ stage, startUs, endUs, threw });
  };
  return (on: Noted, a: unknown, b: unknown, c: unknown): unknown => {
    let result: unknown;
    try {
      result = run(a, b, c);
    } catch (error) {
      ended(on, true);
      throw error;
    }
    if (result instanceof Promise) {
      // Half the work of an async function that awaits it.
      return result.then(
        (value) => {
          ended(on, false);
          return value;
        },
        (error) => {
          ended(on, true);
          throw error;
        },
      );
    }
    ended(on, false);
    return result;
  };
}

import type { Metric, MetricValueWithName } from "prom-client";
import type { MetricHead } from "./counts.js";

/** Durations of one kind, in seconds. */
export interface Series {
  observe(seconds: number): void;
}

/**
 * A histogram of at most one label that is asked many times for each decision, and reads as one of `prom-client`. That one
 * sorts, joins and checks labels for every single duration, some thirty times the work of counting it here, and has no way to
 * take counts that were made elsewhere. The caller bounds the values of the label.
 */
export class Durations {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly #bounds: Float64Array;
  readonly #label: string | null;
  readonly #byValue = new Map<string, Counted>();
  /** Those that something was counted in, in the order in which it first was. */
  #shown: Counted[] = [];

  /** `bounds`: of the buckets, in seconds, ascending. */
  constructor({ name, help, registers }: MetricHead, bounds: readonly number[], label: string | null = null) {
    this.name = name;
    this.help = help;
    this.#bounds = Float64Array.from(bounds);
    this.#label = label;
    // Without a label there is one series, from the beginning.
    if (label === null) this.#shown.push(this.#seriesOf(""));
    for (const register of registers) register.registerMetric(this as unknown as Metric);
  }

  /** The one for a value of the label. Keep it where it is asked for again and again. */
  of(value: string): Series {
    return this.#seriesOf(value);
  }

  #seriesOf(value: string): Counted {
    let series = this.#byValue.get(value);
    if (series === undefined) {
      const labels: Record<string, string> = this.#label === null ? {} : { [this.#label]: value };
      series = new Counted(this.#bounds, labels, (first) => {
        if (this.#label !== null) this.#shown.push(first);
      });
      this.#byValue.set(value, series);
    }
    return series;
  }

  /** What a registry asks for, text and JSON alike. */
  async get(): Promise<Read> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#shown.flatMap((series) => series.values(name)) };
  }

  reset(): void {
    this.#byValue.clear();
    this.#shown = [];
  }
}

interface Read {
  name: string;
  help: string;
  type: "histogram";
  aggregator: "sum";
  values: MetricValueWithName<string>[];
}

class Counted implements Series {
  readonly #bounds: Float64Array;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #onFirst: (series: Counted) => void;
  /** For each bucket what is not in one before it. */
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;

  constructor(bounds: Float64Array, labels: Record<string, string>, onFirst: (series: Counted) => void) {
    this.#bounds = bounds;
    this.#labels = labels;
    this.#onFirst = onFirst;
    this.#counts = new Float64Array(bounds.length);
  }

  observe(seconds: number): void {
    if (!Number.isFinite(seconds)) throw new TypeError(`not a duration: ${seconds}`);
    if (this.#count === 0) this.#onFirst(this);
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > (bounds[bucket] as number)) bucket++;
    if (bucket < bounds.length) this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    this.#sum += seconds;
  }

  values(name: string): MetricValueWithName<string>[] {
    const labels = this.#labels;
    const of = (part: string, value: number, le?: number | string) => ({
      metricName: `${name}_${part}`,
      labels: le === undefined ? { ...labels } : { le, ...labels },
      value,
    });
    let sum = 0;
    const buckets = Array.from(this.#bounds, (bound, i) => {
      sum += this.#counts[i] ?? 0;
      return of("bucket", sum, bound);
    });
    return [...buckets, of("bucket", this.#count, "+Inf"), of("sum", this.#sum), of("count", this.#count)];
  }
}

import { Counter, Gauge, type Registry } from "prom-client";

/** What every metric has. */
export interface MetricHead {
  name: string;
  help: string;
  registers: Registry[];
}

interface Cell {
  readonly labels: Record<string, string>;
  /** Not yet in the counter. */
  count: number;
}

/**
 * A counter with labels that is asked often. `prom-client` sorts, joins and checks the labels of every single count, which is
 * some ten times the work of finding them here; it hears of the counts when somebody scrapes. The caller bounds the values.
 */
export class Counts {
  readonly #names: readonly string[];
  readonly #cells: Cell[] = [];
  /** By the value of the first label, of the second, and so on. */
  readonly #root: Branch = new Map();

  constructor(head: MetricHead, ...labelNames: readonly string[]) {
    const cells = this.#cells;
    this.#names = labelNames;
    new Counter({
      ...head,
      labelNames: [...labelNames],
      collect() {
        for (const cell of cells) {
          this.inc(cell.labels, cell.count);
          cell.count = 0;
        }
      },
    });
  }

  /** Adds to the count of these values, which stand in the order of the names. */
  add(values: readonly string[], count = 1): void {
    this.#cellOf(values).count += count;
  }

  #cellOf(values: readonly string[]): Cell {
    let branch = this.#root;
    const last = this.#names.length - 1;
    for (let i = 0; i < last; i++) {
      const value = values[i] ?? "";
      let next = branch.get(value) as Branch | undefined;
      if (next === undefined) {
        next = new Map();
        branch.set(value, next);
      }
      branch = next;
    }
    const value = values[last] ?? "";
    let cell = branch.get(value) as Cell | undefined;
    if (cell === undefined) {
      cell = { labels: Object.fromEntries(this.#names.map((name, i) => [name, values[i] ?? ""])), count: 0 };
      this.#cells.push(cell);
      branch.set(value, cell);
    }
    return cell;
  }
}

/** Values of the last label lead to cells, all others to further branches. */
type Branch = Map<string, Branch | Cell>;

/** A gauge without labels that is set often, and read when somebody scrapes. Gives what sets it. */
export function level(head: MetricHead): (value: number) => void {
  let now = 0;
  new Gauge({
    ...head,
    collect() {
      this.set(now);
    },
  });
  return (value) => {
    now = value;
  };
}

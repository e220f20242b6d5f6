import type { Reads } from "./reads.js";

/** What a program is put once and asked about by its address, as long as its memory is the one of this number. */
export interface Placed {
  address: number;
  memory: number;
}

/** What a call has to pass to be allowed without more being asked (`policies/rego/shortcut.rego`). */
export interface Shortcut extends Placed {
  /** `data`, as JSON. */
  json: string;
  reads: Reads;
}

/** Different ones that are found again; a new one beyond them begins anew, and who has one keeps it. */
const most = 4_096;

/**
 * One shortcut for all plans that ask the same of a call, however many agents and files they are of. In the memory of the program a
 * shortcut takes some kilobytes, so that one for each of hundreds of agents is read from far away at each call.
 */
export class Shortcuts {
  readonly #known = new Map<string, Shortcut>();

  of(shortcut: object, reads: Reads): Shortcut {
    const json = JSON.stringify({ shortcut });
    const key = `${json}\n${JSON.stringify(reads, written)}`;
    const known = this.#known.get(key);
    if (known) return known;
    if (this.#known.size >= most) this.#known.clear();
    const made = { json, reads, address: 0, memory: 0 };
    this.#known.set(key, made);
    return made;
  }
}

function written(_: string, value: unknown): unknown {
  return value instanceof Map ? [...value.keys()] : value;
}

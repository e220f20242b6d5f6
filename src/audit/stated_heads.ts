import type { VerifyKey } from "../keys/keys.js";
import { type ChainHead, type HeadsStatement, readHeads } from "./heads.js";
import { isWriterName } from "./segments.js";
import { BrokenRecord } from "./signed.js";
import type { HeadsSource } from "./source.js";

/** A statement of heads that is not what a writer left. */
export interface HeadsProblem {
  file: string;
  line: number;
  seq?: number;
  message: string;
}

/** The newest statement about a chain. */
export interface NewestHead {
  timestamp: string;
  seq: number;
  place: string;
}

/** One end that one writer stated for a chain, once or again and again while nothing was appended. */
interface Claim {
  link: string;
  by: string;
  fromMs: number;
  toMs: number;
  /** Where it was stated first, and last. */
  place: string;
  lastPlace: string;
}

/** More are not looked for: whoever breaks every statement of a year gets no endless report. */
const maxProblems = 1000;

/**
 * What all statements say of all chains, in memory that grows with how often a chain was seen at another end, and not with how
 * often this was stated.
 */
export class StatedHeads {
  readonly problems: HeadsProblem[] = [];
  /** Statements that hold. */
  statements = 0;
  readonly #keys: readonly VerifyKey[];
  readonly #dueMs: number;
  readonly #chains = new Map<string, ChainHeads>();
  /** The newest statement of each writer about its own chain, in the place itself and elsewhere. */
  readonly #newest = { here: new Map<string, Own>(), elsewhere: new Map<string, Own>() };

  /** What was first stated after `dueMs` (since 1970) may not be here yet. */
  constructor(keys: readonly VerifyKey[], dueMs = Number.POSITIVE_INFINITY) {
    this.#keys = keys;
    this.#dueMs = dueMs;
  }

  /** `elsewhere`: kept where the records are not, so that it shows what was put back here. */
  add({ place, line }: HeadsSource, from: "here" | "elsewhere"): void {
    try {
      const statement = readHeads(line, this.#keys);
      const fault = faultOf(statement, place);
      if (fault !== null) throw new BrokenRecord(fault);
      this.statements += 1;
      this.#remember(statement, place, from);
    } catch (error) {
      if (!(error instanceof BrokenRecord)) throw error;
      this.#add({ file: place, line: 1, message: error.message });
    }
  }

  of(writer: string): ChainHeads | undefined {
    return this.#chains.get(writer);
  }

  /** Call it once, when all statements were added and the chains are known. */
  finish(writers: ReadonlySet<string>, partial: boolean): void {
    for (const [writer, chain] of this.#chains) {
      for (const problem of chain.backwards()) this.#add(problem);
      const highest = chain.highest();
      if (partial || writers.has(writer) || highest === null) continue;
      const message = `states record ${highest.seq} of the writer ${JSON.stringify(writer)}, which is not there`;
      this.#add({ file: highest.place, line: 1, seq: highest.seq, message });
    }
    for (const [writer, kept] of this.#newest.elsewhere) {
      const here = this.#newest.here.get(writer);
      if (here === undefined || here.atMs >= kept.atMs || here.seq >= kept.seq) continue;
      const message = `is older than ${kept.place}: a newer statement was here before, and was replaced`;
      this.#add({ file: here.place, line: 1, seq: here.seq, message });
    }
  }

  #remember({ writer: by, timestamp, heads }: HeadsStatement, place: string, from: "here" | "elsewhere"): void {
    const atMs = Date.parse(timestamp);
    for (const head of heads) {
      const chain = this.#chains.get(head.writer) ?? new ChainHeads(head.writer, this.#dueMs);
      this.#chains.set(head.writer, chain);
      chain.add(head, by, atMs, place);
    }
    const seq = heads.find(({ writer }) => writer === by)?.seq;
    const before = this.#newest[from].get(by);
    if (seq === undefined || (before !== undefined && before.atMs > atMs)) return;
    this.#newest[from].set(by, { seq, atMs, place });
  }

  #add(problem: HeadsProblem): void {
    if (this.problems.length < maxProblems) this.problems.push(problem);
  }
}

interface Own {
  seq: number;
  atMs: number;
  place: string;
}

/** What statements say of one chain. */
export class ChainHeads {
  readonly #writer: string;
  readonly #dueMs: number;
  readonly #claims = new Map<number, Claim[]>();
  #newest: { atMs: number; seq: number; place: string } | null = null;

  constructor(writer: string, dueMs: number) {
    this.#writer = writer;
    this.#dueMs = dueMs;
  }

  add({ seq, link }: ChainHead, by: string, atMs: number, place: string): void {
    if (this.#newest === null || atMs > this.#newest.atMs) this.#newest = { atMs, seq, place };
    const claims = this.#claims.get(seq) ?? [];
    const same = claims.find((claim) => claim.by === by && claim.link === link);
    if (same === undefined) {
      this.#claims.set(seq, [...claims, { link, by, fromMs: atMs, toMs: atMs, place, lastPlace: place }]);
      return;
    }
    if (atMs < same.fromMs) Object.assign(same, { fromMs: atMs, place });
    if (atMs > same.toMs) Object.assign(same, { toMs: atMs, lastPlace: place });
  }

  /** Why a record that fits its chain is not the one that was stated; `null` when nothing speaks against it. */
  faultAt(seq: number, link: string): string | null {
    const other = this.#claims.get(seq)?.find((claim) => claim.link !== link);
    return other === undefined ? null : `is another record than ${other.place} states`;
  }

  /** The end that is farthest from the start, of those that must be here. */
  highest(): { seq: number; place: string } | null {
    let found: { seq: number; place: string } | null = null;
    for (const [seq, claims] of this.#claims) {
      const due = claims.find(({ fromMs }) => fromMs <= this.#dueMs);
      if (due !== undefined && seq > (found?.seq ?? 0)) found = { seq, place: due.place };
    }
    return found;
  }

  newest(): NewestHead | null {
    if (this.#newest === null) return null;
    const { atMs, seq, place } = this.#newest;
    return { timestamp: new Date(atMs).toISOString(), seq, place };
  }

  /** Chains only grow: where one writer stated a lower end after a higher one. */
  *backwards(): Generator<HeadsProblem> {
    const highest = new Map<string, Claim & { seq: number }>();
    for (const [seq, claims] of [...this.#claims].sort(([a], [b]) => a - b)) {
      for (const claim of claims) {
        const lower = highest.get(claim.by);
        if (lower !== undefined && lower.toMs > claim.fromMs) {
          const said = `states record ${lower.seq} as the end of ${JSON.stringify(this.#writer)}`;
          const message = `${said}, after ${claim.place} had stated record ${seq}`;
          yield { file: lower.lastPlace, line: 1, seq: lower.seq, message };
        }
        // The lower end that was stated last is the one that later ends must not come before.
        if (lower === undefined || claim.toMs >= lower.toMs) highest.set(claim.by, { ...claim, seq });
      }
    }
  }
}

function faultOf({ writer, heads }: HeadsStatement, place: string): string | null {
  const named = writerNamedBy(place);
  if (named !== null && named !== writer) {
    return `is a statement of the writer ${JSON.stringify(writer)}, and not of ${JSON.stringify(named)}`;
  }
  const names = new Set(heads.map((head) => head.writer));
  return names.size === heads.length ? null : "names a chain twice";
}

/** Who must have made a statement: the name of its file on disk says it, or the folder it is in. `null` = it says nothing. */
function writerNamedBy(place: string): string | null {
  const [, file, folder] = /([^/\\]+)\.heads$|([^/\\]+)[/\\]heads-[^/\\]*\.json$/.exec(place) ?? [];
  const name = file ?? folder;
  return name !== undefined && isWriterName(name) ? name : null;
}

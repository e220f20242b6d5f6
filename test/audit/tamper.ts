import { headsSuffix, sealHeads } from "../../src/audit/heads.js";
import { type Files, type LargeChain, split } from "./large_chain.js";
import type { Chance } from "./random.js";

/** Where a tampering must be found: a file, and a line from 1, or 0 for the file as a whole. */
export interface Place {
  file: string;
  line: number;
}

/** Kinds of tampering: how many of each are tried, and what changes a copy and says where this must be found. */
export type Tamperings = Record<string, { tries: number; tamper: (copy: Copy) => Place }>;

/** A copy of a directory that is being tampered with. */
export class Copy {
  readonly base: LargeChain;
  readonly files: Files;
  /** The auditor has kept the newest statement. */
  keptHeads = false;
  requireHeads = false;
  readonly #chance: Chance;

  constructor(base: LargeChain, chance: Chance) {
    this.base = base;
    this.files = new Map(base.files);
    this.#chance = chance;
  }

  get chance(): Chance {
    return this.#chance;
  }

  /** Paths of the segments, oldest first. */
  segments(): string[] {
    return [...this.files.keys()].filter((name) => name.endsWith(".jsonl")).sort();
  }

  anySegment(): string {
    return this.#chance.pick(this.segments());
  }

  last(): string {
    return this.segments().at(-1) ?? this.base.writer;
  }

  bytes(file: string): Buffer {
    const found = this.files.get(file);
    if (found === undefined) throw new Error(`${file} is not there`);
    return found;
  }

  lines(file: string): Buffer[] {
    return split(this.bytes(file));
  }

  write(file: string, lines: readonly Buffer[]): void {
    this.files.set(file, Buffer.concat(lines.flatMap((line) => [line, newline])));
  }

  /** The place of what followed a line that was taken away; the whole last file when nothing did. */
  after(file: string, index: number): Place {
    if (index < this.lines(file).length) return { file, line: index + 1 };
    const next = this.segments().find((name) => name > file && this.bytes(name).length > 0);
    return next === undefined ? { file: this.last(), line: 0 } : { file: next, line: 1 };
  }

  /** Where a record of the untouched chain stands: the file, and its index there. */
  find(seq: number): { file: string; index: number } {
    const file = this.segments().findLast((name) => firstSeq(name) <= seq) ?? "";
    return { file, index: seq - firstSeq(file) };
  }

  flip(file: string): Place {
    const bytes = Buffer.from(this.bytes(file));
    const at = this.#chance.int(0, bytes.length);
    const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#chance.int(0, 8));
    this.files.set(file, bytes);
    return { file, line };
  }

  /** Puts another text in place of one line. */
  respell(change: (line: string) => string): Place {
    const file = this.anySegment();
    const lines = this.lines(file);
    for (;;) {
      const index = this.#chance.int(0, lines.length);
      const text = String(lines[index]);
      const changed = change(text);
      if (changed === text) continue;
      lines[index] = Buffer.from(changed);
      this.write(file, lines);
      return { file, line: index + 1 };
    }
  }

  /** Puts back the statement of an earlier time. */
  olderHeads(): Place {
    this.files.set(this.base.headsFile, this.base.olderHeads);
    return { file: this.base.headsFile, line: 1 };
  }

  heads(signedBy: LargeChain["key"], change: (statement: Parameters<typeof sealHeads>[0]) => object): Place {
    const { signature: _, ...statement } = JSON.parse(String(this.bytes(this.base.headsFile)));
    const changed = change(statement) as Parameters<typeof sealHeads>[0];
    this.files.set(this.base.headsFile, Buffer.from(`${sealHeads(changed, signedBy)}\n`));
    return { file: this.base.headsFile, line: 1 };
  }

  rename(from: string, to: string): void {
    this.files.set(to, this.bytes(from));
    this.files.delete(from);
  }
}

const newline = Buffer.from("\n");

/** The `seq` that a segment's name promises. */
export function firstSeq(file: string): number {
  return Number(/(\d{16})\.jsonl$/.exec(file)?.[1]);
}

export function segmentOf(writer: string, seq: number): string {
  return `${writer}/${String(seq).padStart(16, "0")}.jsonl`;
}

export function headsOf(writer: string): string {
  return `${writer}${headsSuffix}`;
}

/** Cuts so many records off the end, files that become empty included. */
export function cut(copy: Copy, count: number): Place {
  let rest = count;
  while (rest > 0) {
    const file = copy.last();
    const lines = copy.lines(file);
    if (lines.length > rest) copy.write(file, lines.slice(0, -rest));
    else copy.files.delete(file);
    rest -= lines.length;
  }
  return { file: copy.last(), line: 0 };
}

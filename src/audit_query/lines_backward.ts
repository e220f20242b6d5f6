import type { FileHandle } from "node:fs/promises";
import { readRange } from "../audit/read_range.js";

/** One line of a file, without its newline. */
export interface BackLine {
  bytes: Buffer;
  /** Offset of its first byte. */
  start: number;
  /** False for bytes at the end of the file that no newline follows. */
  terminated: boolean;
  /** True when the line is longer than the limit; `bytes` is then empty. */
  tooLong: boolean;
}

export interface BackwardOptions {
  /** How much is read at a time. */
  blockBytes: number;
  /** Longest line in bytes; longer ones are told of and not kept. */
  limit: number;
}

/**
 * The lines that end before `end`, which is behind a newline or is the end of the file: the last first, those of one block
 * at a time. `from` is where the block begins that the lines were read with. In memory of about a block and a line.
 */
export async function* linesBefore(
  file: FileHandle,
  end: number,
  { blockBytes, limit }: BackwardOptions,
): AsyncGenerator<{ lines: BackLine[]; from: number }> {
  const tail = new Tail(limit, false);
  let rest = tail;
  for (let to = end; to > 0; ) {
    const from = Math.max(0, to - blockBytes);
    const block = await readRange(file, from, to);
    const lines: BackLine[] = [];
    let stop = block.length;
    for (let at = newlineBefore(block, stop); at >= 0; at = newlineBefore(block, stop)) {
      rest.put(block.subarray(at + 1, stop));
      if (rest.terminated || rest.length > 0) lines.push(rest.line(from + at + 1));
      rest = new Tail(limit, true);
      stop = at;
    }
    rest.put(block.subarray(0, stop));
    if (from === 0 && (rest.terminated || rest.length > 0)) lines.push(rest.line(0));
    yield { lines, from };
    to = from;
  }
}

/** The bytes of one line, from its end to its beginning. */
class Tail {
  length = 0;
  #pieces: Buffer[] = [];

  constructor(
    readonly limit: number,
    readonly terminated: boolean,
  ) {}

  put(piece: Buffer): void {
    this.length += piece.length;
    if (this.length > this.limit) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.unshift(piece);
  }

  line(start: number): BackLine {
    const tooLong = this.length > this.limit;
    const [only, ...more] = this.#pieces;
    const bytes = only && more.length === 0 ? only : Buffer.concat(this.#pieces);
    return { bytes: tooLong ? Buffer.alloc(0) : bytes, start, terminated: this.terminated, tooLong };
  }
}

function newlineBefore(block: Buffer, stop: number): number {
  return stop === 0 ? -1 : block.lastIndexOf(0x0a, stop - 1);
}

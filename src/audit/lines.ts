import { createReadStream } from "node:fs";

/** One line of a file, without its newline. */
export interface Line {
  bytes: Uint8Array;
  /** False for bytes at the end of the file that no newline follows. */
  terminated: boolean;
  /** True when the line is longer than the limit; `bytes` is then empty. */
  tooLong: boolean;
}

/** The lines of a file; as `linesIn`. */
export function linesOf(path: string, limit: number): AsyncGenerator<Line> {
  return linesIn(createReadStream(path), limit);
}

/**
 * The lines of some bytes, one at a time, in memory of about `limit` bytes. Only 0x0A ends a line: what text readers also
 * take for a line end may stand inside a JSON string.
 */
export async function* linesIn(stream: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let length = 0;
  const take = (terminated: boolean): Line => {
    const tooLong = length > limit;
    const bytes = tooLong ? Buffer.alloc(0) : Buffer.concat(pieces);
    pieces = [];
    length = 0;
    return { bytes, terminated, tooLong };
  };
  const add = (piece: Buffer): void => {
    length += piece.length;
    if (length > limit) pieces = [];
    else pieces.push(piece);
  };

  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield take(true);
    }
    add(chunk.subarray(start));
  }
  if (length > 0) yield take(false);
}

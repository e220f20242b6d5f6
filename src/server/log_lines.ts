import type { DestinationStream } from "pino";

/** Longest time that a line waits for others, in milliseconds: nobody who follows the log notices, a hard kill loses no more. */
const waitMs = 50;
/** So many characters wait at most. */
const most = 65_536;

/** Where lines go in the end. */
export interface LineSink {
  write(lines: string): unknown;
}

export interface BatchedLines extends DestinationStream {
  /** Takes a line that may wait, as its writer knows: looking at it would copy it, since it is put together from parts. */
  later(line: string): void;
  /** Writes what waits, now. */
  flush(): void;
  /** Gives what waits to the caller, who writes it: for the end of the process, when nothing may be left to a later turn. */
  take(): string;
}

/**
 * Lines that are written together: a system call for each line costs more than everything else about it (some 10 : 1). Those
 * that `mayWait` wait for others; any other one takes what waits with it at once, so that the last words of a
 * process that dies are there, and in order. The timer keeps the process alive until it has run.
 */
export function batchedLines(to: LineSink, mayWait: (line: string) => boolean): BatchedLines {
  let waiting = "";
  let timer: NodeJS.Timeout | null = null;

  function take(): string {
    if (timer) clearTimeout(timer);
    timer = null;
    const lines = waiting;
    waiting = "";
    return lines;
  }

  function flush(): void {
    const lines = take();
    if (lines !== "") to.write(lines);
  }

  function later(line: string): void {
    waiting += line;
    if (waiting.length >= most) flush();
    else timer ??= setTimeout(flush, waitMs);
  }

  return {
    write(line) {
      later(line);
      if (!mayWait(line)) flush();
    },
    later,
    flush,
    take,
  };
}

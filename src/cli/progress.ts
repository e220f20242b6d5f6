/** Below this nobody waits long enough to wonder, in bytes. */
const large = 64 * 1024 * 1024;
const everyMs = 200;

/** How far the reading of large files is, as one line on standard error that is gone in the end. */
export interface Progress {
  done(bytes: number): void;
  end(): void;
}

/** Shows nothing unless standard error is a terminal and there is much to read. `passes`: how often all is read. */
export function progressOf(files: readonly { bytes: number }[], passes: number): Progress {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0) * passes;
  if (!process.stderr.isTTY || total < large) return { done: () => undefined, end: () => undefined };
  let bytesDone = 0;
  let shownMs = Date.now();
  return {
    done(bytes) {
      bytesDone += bytes;
      if (Date.now() - shownMs < everyMs) return;
      shownMs = Date.now();
      process.stderr.write(`\r${Math.min(100, Math.floor((bytesDone / total) * 100))} % read`);
    },
    end: () => void process.stderr.write("\r\u001b[K"),
  };
}

import { startProcess } from "../../test/harness/process.js";

export interface ChildOptions {
  env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds after which it is ended. */
  timeoutMs?: number;
}

/**
 * Runs a program to its end and gives its standard output. It is ended when we are, however that comes about. Throws with its
 * last words when it fails or takes too long.
 */
export async function runChild(command: string, args: readonly string[], options: ChildOptions = {}): Promise<string> {
  const { env, timeoutMs = 120_000 } = options;
  const child = await startProcess({ name: command, command, args, keepBytes: 64 << 20, ...(env && { env }) });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void child.stop();
  }, timeoutMs);
  const { code } = await child.ended;
  clearTimeout(timer);
  if (code === 0) return child.stdout();
  const words = child.stderr().trim().split("\n").slice(-5).join("\n");
  throw new Error(`${command} ${late ? `took more than ${timeoutMs} ms` : `ended with ${code}`}: ${words}`);
}

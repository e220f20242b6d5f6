import { InvalidFile } from "../files/located_yaml.js";

/** What a command's exit status means, for every command alike. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** Told by a command when it ends; the default is ok. */
export type Done = (code: number) => void;

/** A use of a command that cannot work, with what to do instead. Exit status 2. */
export class WrongUse extends Error {
  override readonly name = "WrongUse";
}

/** Writes a result: text for people, or JSON on one line for programs. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Says on stderr why a command ended, and with which status. Bad files count as wrong use: mend them and try again. */
export function explain(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`countersign: ${message}\n`);
  if (error instanceof InvalidFile || error instanceof WrongUse) return exitCodes.usage;
  return exitCodes.failed;
}

/** `--config FILE`, the same for every command that reads the configuration. */
export const configOption = [
  "-c, --config <file>",
  "configuration file (or COUNTERSIGN_CONFIG)",
  process.env.COUNTERSIGN_CONFIG ?? "./countersign.yaml",
] as const;

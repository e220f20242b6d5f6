import { existsSync } from "node:fs";
import { UnknownVariable } from "../config/environment.js";
import { InvalidFile } from "../files/located_yaml.js";
import { WorkerFailed } from "../workers/supervisor.js";

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

/** Says on stderr why a command ended, and with which status. Bad files and variables count as wrong use: mend them and try again. */
export function explain(error: unknown): number {
  process.stderr.write(`countersign: ${messageOf(error)}\n`);
  return exitCodeOf(error);
}

/** The exit status of a command that ends with an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof WorkerFailed) return error.code;
  const mendable = [InvalidFile, UnknownVariable, WrongUse].some((kind) => error instanceof kind);
  return mendable ? exitCodes.usage : exitCodes.failed;
}

/** An error's message with those of its causes, as far as they say more. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause === undefined) return error.message;
  const cause = messageOf(error.cause);
  return error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}

/** Throws `WrongUse` for a path that leads nowhere, before a command says something less clear about it. */
export function mustExist(path: string): void {
  if (!existsSync(path)) throw new WrongUse(`${path} does not exist`);
}

/** An example under a command's help. */
export function example(line: string): ["after", string] {
  return ["after", `\nExample:\n  countersign ${line}`];
}

/** `--config FILE`, the same for every command that reads the configuration. */
export const configOption = [
  "-c, --config <file>",
  "configuration file (or COUNTERSIGN_CONFIG)",
  process.env.COUNTERSIGN_CONFIG || "./countersign.yaml",
] as const;

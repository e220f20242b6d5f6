import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { AuditProblem } from "../../src/audit/verify.js";

/** What is to be checked, as test/verifier reads it. */
export interface Asked {
  paths: string[];
  heads?: string[];
  require_heads?: boolean;
}

export interface Answer {
  ok: boolean;
  problems: AuditProblem[];
  error?: string;
}

/** The second verifier as one process that answers question after question. It ends with its standard input. */
export class SecondVerifier {
  readonly #child;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  readonly #ended: Promise<number | null>;

  constructor(program: string, keys: readonly string[]) {
    const args = [...keys.flatMap((key) => ["-key", key]), "-batch"];
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.#waiting.shift()?.resolve(JSON.parse(line));
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
    void this.#ended.then((code) => {
      for (const { reject } of this.#waiting) reject(new Error(`the second verifier ended with ${code}`));
    });
  }

  ask(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify(asked)}\n`);
    });
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}

/** One check by a process of its own, which remembers nothing. */
export async function askOnce(program: string, keys: readonly string[], asked: Asked): Promise<Answer> {
  const options = [...keys.flatMap((key) => ["-key", key]), ...(asked.heads ?? []).flatMap((path) => ["-heads", path])];
  if (asked.require_heads) options.push("-require-heads");
  const ran = promisify(execFile)(program, [...options, ...asked.paths], { maxBuffer: 64 << 20 });
  const { stdout } = await ran.catch((error: { code?: number; stdout: string }) => {
    if (error.code !== 1) throw error;
    return error;
  });
  return JSON.parse(stdout);
}

/** The places that a verifier names: what two of them must agree on. Messages are each one's own. */
export function placesOf(problems: readonly AuditProblem[]): string[] {
  return [...new Set(problems.map(({ file, line, seq }) => `${file}:${line}:${seq ?? 0}`))].sort();
}

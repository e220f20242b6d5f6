import { type ExecFileException, execFile } from "node:child_process";
import { z } from "zod";

/** The `opa` program cannot be used: it is absent, too old, too slow, or broke down. The message says which. */
export class OpaFailed extends Error {
  override name = "OpaFailed";
}

const opaError = z.object({
  message: z.string(),
  location: z.object({ file: z.string(), row: z.int(), col: z.int() }).optional(),
});
const opaErrors = z.object({ errors: z.array(opaError).min(1) });

/** One mistake as OPA tells it. Lines and columns count from 1, but an end of file may be column 0. */
export type OpaError = z.output<typeof opaError>;

/** Runs `opa` in one folder; each method throws `OpaFailed`. */
export interface Opa {
  /** Standard output of a run that has to succeed. */
  run(args: readonly string[]): Promise<string>;
  /** A run that judges files: its standard output, or the mistakes that it tells in JSON. */
  judge(args: readonly string[]): Promise<{ output: string } | { errors: readonly OpaError[] }>;
}

const timeoutMs = 30_000;
const maxOutputMiB = 64;
const help = "put opa 1.0 or newer on PATH, or name it in OPA_BIN (https://www.openpolicyagent.org/docs)";

/** The named program, else `$OPA_BIN`, else `opa` on PATH. Of our environment it gets PATH alone. */
export function opaIn(folder: string, named?: string): Opa {
  const program = named || process.env.OPA_BIN || "opa";
  const options = {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: folder },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: maxOutputMiB << 20,
  } as const;

  const execute = (args: readonly string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve, reject) => {
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (error === null) resolve({ code: 0, stdout, stderr });
        else if (typeof error.code === "number") resolve({ code: error.code, stdout, stderr });
        else reject(new OpaFailed(reasonOf(error, program), { cause: error }));
      });
      child.stdin?.end();
    });
  const failure = (args: readonly string[], stderr: string): OpaFailed =>
    new OpaFailed(`opa ${args[0]} failed: ${stderr.replaceAll(folder, "").trim().slice(0, 500)}`);

  return {
    async run(args) {
      const { code, stdout, stderr } = await execute(args);
      if (code !== 0) throw failure(args, stderr);
      return stdout;
    },
    async judge(args) {
      const { code, stdout, stderr } = await execute(args);
      if (code === 0) return { output: stdout };
      const said = opaErrors.safeParse(parseJson(stderr));
      if (!said.success) throw failure(args, stderr);
      return said.data;
    },
  };
}

function reasonOf(error: ExecFileException, program: string): string {
  if (error.code === "ENOENT" || error.code === "EACCES") {
    return `policies in Rego are compiled with opa, and ${program} is no program that can be run: ${help}`;
  }
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `opa said more than ${maxOutputMiB} MiB`;
  if (error.killed) return `opa gave no answer within ${timeoutMs / 1000} s`;
  return `opa broke down: ${error.message}`;
}

const capabilities = z.looseObject({
  builtins: z.array(z.looseObject({ name: z.string() })),
  features: z.array(z.string()),
});

/** What this OPA knows of the language. Throws `OpaFailed` for one from before Rego v1. */
export async function capabilitiesOf(opa: Opa): Promise<z.output<typeof capabilities>> {
  const known = capabilities.safeParse(parseJson(await opa.run(["capabilities", "--current"])));
  if (!known.success || !known.data.features.includes("rego_v1")) throw new OpaFailed(`this opa is too old: ${help}`);
  return known.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

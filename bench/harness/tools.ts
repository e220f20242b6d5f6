import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PartMissing } from "../../test/harness/part_missing.js";
import { cacheFolder, isExecutable, onPath, tell } from "../../test/harness/programs.js";
import { runChild } from "./child.js";

/** A program that the bench runs beside ours. */
interface Tool {
  /** Names a path to it. */
  variable: string;
  /** As it is called on PATH and in `.cache/bin`. */
  names: readonly string[];
  /** The Go module of the program with its version, where `go install` can make it. */
  module?: string;
  /** How to get it, for who has not. */
  help: string;
}

const byHand = "build it as bench/README.md says";

export const tools = {
  ghz: {
    variable: "GHZ",
    names: ["ghz"],
    module: "github.com/bojand/ghz/cmd/ghz@v0.120.0",
    help: "install Go, or ghz",
  },
  fortio: { variable: "FORTIO", names: ["fortio"], module: "fortio.org/fortio@v1.68.0", help: "install Go, or fortio" },
  redis: { variable: "REDIS_SERVER", names: ["redis-server"], help: "install redis-server 6.2.0 or newer" },
  opa: { variable: "OPA_ENVOY_PLUGIN", names: ["opa-envoy-plugin"], help: byHand },
  ratelimit: { variable: "RATELIMIT", names: ["ratelimit", "envoyproxy-ratelimit"], help: byHand },
} as const satisfies Record<string, Tool>;
export type ToolName = keyof typeof tools;

const bin = join(cacheFolder, "bin");

/** Path of a program: the environment's word, then PATH, then `.cache/bin`, then made with Go. Throws `PartMissing`. */
export async function findTool(name: ToolName): Promise<string> {
  const tool: Tool = tools[name];
  const help = `set ${tool.variable} to its path, or ${tool.help}`;
  const named = process.env[tool.variable];
  if (named) {
    if (await isExecutable(named)) return named;
    throw new PartMissing(tool.names[0] ?? name, `${tool.variable}=${named} cannot be run; ${help}`);
  }
  for (const program of tool.names) {
    const found =
      (await onPath(program)) ?? ((await isExecutable(join(bin, program))) ? join(bin, program) : undefined);
    if (found !== undefined) return found;
  }
  if (tool.module !== undefined && (await onPath("go")) !== undefined) return made(name, tool.module, help);
  throw new PartMissing(tool.names[0] ?? name, help);
}

/** `undefined`, and one line that says how to get it, where a program is missing that the bench can do without. */
export async function findToolOrTell(name: ToolName): Promise<string | undefined> {
  return findTool(name).catch((error: unknown) => {
    if (!(error instanceof PartMissing)) throw error;
    tell(`bench: ${error.message}`);
    return undefined;
  });
}

async function made(name: ToolName, module: string, help: string): Promise<string> {
  tell(`bench: making ${module} with go install (once)`);
  await mkdir(bin, { recursive: true });
  try {
    await runChild("go", ["install", module], { env: { ...process.env, GOBIN: bin }, timeoutMs: 600_000 });
  } catch (cause) {
    throw new PartMissing(name, `go install ${module} failed; ${help}`, cause);
  }
  return join(bin, name);
}

import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningProcess, startProcess } from "../harness/process.js";
import { repository } from "../harness/programs.js";
import { until } from "../harness/until.js";

/** What `make build` makes of the command line. */
export const cli = join(repository, "dist", "cli.js");

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Our environment without what the command line would read from it. */
function environment(more: Record<string, string> = {}): Record<string, string | undefined> {
  const ours = Object.keys(process.env).filter((name) => name.startsWith("COUNTERSIGN_"));
  return { ...Object.fromEntries(ours.map((name) => [name, undefined])), NODE_OPTIONS: "", ...more };
}

/** Runs a command to its end. Whatever it says, it must not be a stack trace. */
export async function countersign(args: readonly string[], { cwd, env }: RunOptions = {}): Promise<Ran> {
  const child = await startProcess({
    name: "countersign",
    command: process.execPath,
    args: [cli, ...args],
    env: environment(env),
    ...(cwd !== undefined && { cwd }),
  });
  const { code } = await child.ended;
  const ran = { code, stdout: child.stdout(), stderr: child.stderr() };
  expect(`${ran.stdout}${ran.stderr}`).not.toMatch(/\n\s+at .*[:(]/);
  return ran;
}

/** The ports of the first files may be taken, so every server here takes free ones. */
export const freePorts = { COUNTERSIGN_LISTEN_GRPC: "127.0.0.1:0", COUNTERSIGN_LISTEN_HTTP: "127.0.0.1:0" };

const readyLine = /^countersign is ready: grpc (\S+), http (\S+), policies sha256:[0-9a-f]{64}$/m;

/** A server that is ready, and where it is. `flags` are for Node. */
export async function serve(
  folder: string,
  env: Record<string, string> = {},
  flags: readonly string[] = [],
): Promise<{ server: RunningProcess; grpc: string; http: string }> {
  const server = await startProcess({
    name: "countersign",
    command: process.execPath,
    args: [...flags, cli, "serve", "--config", join(folder, "countersign.yaml")],
    env: environment({ ...freePorts, ...env }),
  });
  const match = await until(() => readyLine.exec(server.stdout()) ?? (!server.running() && "ended"), {
    what: "the ready line",
  });
  if (match === "ended") throw new Error(`the server ended: ${server.stderr()}`);
  return { server, grpc: match[1] ?? "", http: match[2] ?? "" };
}

/** A folder of its own for the tests of one file; `undo` removes it. */
export async function temporaryFolder(): Promise<{ folder: string; undo: () => Promise<void> }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "countersign-cli-")));
  return { folder, undo: () => rm(folder, { recursive: true, force: true }) };
}

/** A fresh `countersign init` and what it told. */
export async function init(folder: string): Promise<{ config: string; admin_token: string }> {
  const { code, stdout, stderr } = await countersign(["init", "--dir", folder, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

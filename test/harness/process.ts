import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { guardFromOrphaning, releaseFromGuard } from "./orphans.js";
import { until } from "./until.js";

export interface StartOptions {
  /** As messages call it. */
  name: string;
  command: string;
  args: readonly string[];
  cwd?: string;
  /** Added to our own environment; `undefined` removes. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Both streams are also appended here. */
  logFile?: string;
  /** Polled until it gives true; a throw counts as "not yet". Without it a started process counts as ready. */
  ready?: () => boolean | Promise<boolean>;
  /** Milliseconds. */
  readyTimeoutMs?: number;
  /** Milliseconds between SIGTERM and SIGKILL. */
  graceMs?: number;
  /** Bytes kept of each stream; the oldest go first. */
  keepBytes?: number;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  /** What it wrote so far, as far as it was kept. */
  stdout(): string;
  stderr(): string;
  running(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when the process is gone and its output is read. Never rejects. */
  readonly ended: Promise<Ended>;
  /** SIGTERM, and SIGKILL after the grace; waits for the end. May be called again. */
  stop(): Promise<Ended>;
}

/** Starts a program and waits until it is ready. When it does not get ready, it is stopped and its last words are told. */
export async function startProcess(options: StartOptions): Promise<RunningProcess> {
  const { name, graceMs = 20_000, keepBytes = 1 << 20 } = options;
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const out = new Tail(keepBytes);
  const err = new Tail(keepBytes);
  capture(child, out, err, options.logFile);
  const pid = await spawned(child, name);
  guardFromOrphaning(pid);

  let isRunning = true;
  child.once("exit", () => {
    isRunning = false;
    releaseFromGuard(pid);
  });
  const ended = new Promise<Ended>((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));

  const stop = async (): Promise<Ended> => {
    if (isRunning) {
      child.kill("SIGCONT"); // A paused process would only see the SIGKILL.
      child.kill("SIGTERM");
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    const how = await ended;
    clearTimeout(timer);
    return how;
  };

  const running: RunningProcess = {
    pid,
    stdout: () => out.text(),
    stderr: () => err.text(),
    running: () => isRunning,
    signal: (signal) => void child.kill(signal),
    ended,
    stop,
  };
  const { ready } = options;
  if (ready) await becomesReady(running, { ...options, ready });
  return running;
}

async function becomesReady(running: RunningProcess, options: StartOptions & Required<Pick<StartOptions, "ready">>) {
  const { name, ready, readyTimeoutMs = 120_000 } = options;
  let gone = false;
  try {
    await until(
      () => {
        if (running.running()) return ready();
        gone = true;
        return true;
      },
      { what: `${name} to become ready`, timeoutMs: readyTimeoutMs },
    );
    if (gone) throw new Error(`${name} ended before it was ready`);
  } catch (cause) {
    await running.stop();
    const words = `${running.stderr()}${running.stdout()}`.trim().split("\n").slice(-15).join("\n");
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${words}`, { cause });
  }
}

function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve(child.pid ?? 0));
    child.once("error", (cause) => reject(new Error(`${name} cannot be started: ${cause.message}`, { cause })));
  });
}

function capture(child: ChildProcess, out: Tail, err: Tail, logFile: string | undefined): void {
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: "a" });
  log?.on("error", () => {}); // A log that cannot be written must not end what it logs.
  child.stdout?.on("data", (data: Buffer) => out.add(data)).on("data", (data: Buffer) => void log?.write(data));
  child.stderr?.on("data", (data: Buffer) => err.add(data)).on("data", (data: Buffer) => void log?.write(data));
  child.once("close", () => log?.end());
}

/** The last bytes of a stream. */
class Tail {
  private chunks: Buffer[] = [];
  private size = 0;

  constructor(private readonly limit: number) {}

  add(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
    while (this.size > this.limit && this.chunks.length > 1) this.size -= this.chunks.shift()?.length ?? 0;
  }

  text(): string {
    return Buffer.concat(this.chunks).toString("utf8");
  }
}

/**
 * Below the ports that the system gives to connections and to whoever asks for port 0 (ip(7), ip_local_port_range), each of
 * which may be gone before the program that was told of it listens. 10,000 above them are as many for buses of clusters.
 */
const ports = { first: 11_000, parts: 16 };
/** How many of them each process of tests has for itself, so that no two find the same. */
export const portsEach = 600;
const firstOfPart = ports.first + (Number(process.env.JEST_WORKER_ID ?? 0) % ports.parts) * portsEach;
let taken = randomInt(portsEach);

/** A TCP port that was free on loopback a moment ago. Where a program can take port 0 itself, prefer that. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < portsEach; tries++) {
    const port = firstOfPart + (taken++ % portsEach);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of the ports ${firstOfPart} to ${firstOfPart + portsEach - 1} is free`);
}

/** Whether nobody listens on it on loopback. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

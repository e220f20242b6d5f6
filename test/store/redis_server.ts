import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { Redis } from "ioredis";

/** A real `redis-server` of our own, without persistence, on a free loopback port. */
export class RedisServer {
  private process: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  static async start(...flags: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start(...flags);
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/0`;
  }

  /** Starts it (again), on the same port, and waits until it answers. */
  async start(...more: string[]): Promise<void> {
    const flags = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", ...more];
    this.process = spawn("redis-server", flags, { stdio: "ignore" });
    const failed = once(this.process, "error").then(([error]) => Promise.reject(error));
    await Promise.race([failed, this.answering()]);
    failed.catch(() => undefined);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, "exit");
    process.kill("SIGKILL");
    await exited;
  }

  pause(): void {
    this.process?.kill("SIGSTOP");
  }

  resume(): void {
    this.process?.kill("SIGCONT");
  }

  private async answering(): Promise<void> {
    const probe = new Redis(this.port, "127.0.0.1", { retryStrategy: () => 20, maxRetriesPerRequest: null });
    probe.on("error", () => undefined);
    await probe.ping().catch((error: Error) => {
      if (!error.message.startsWith("NOAUTH")) throw error;
    });
    probe.disconnect();
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

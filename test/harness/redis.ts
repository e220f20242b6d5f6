import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type RunningProcess, startProcess } from "./process.js";
import { until } from "./until.js";

/** What a test may do to a server of its own. All of it keeps the address. */
export interface RedisControls {
  /** At once, as in a crash. */
  kill(): Promise<void>;
  /** Stops answering and keeps the connections. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** After `kill`: comes back empty. */
  restart(): Promise<void>;
}

/** `controls` is there when we started the server; another's server is only used. */
export interface RunningRedis {
  readonly url: string;
  readonly controls?: RedisControls;
  /** Ends the server if we started it. */
  stop(): Promise<void>;
}

export type OwnRedis = RunningRedis & { readonly controls: RedisControls };

/** Lines of `redis.conf`, by their first word. */
export type RedisSettings = Readonly<Record<string, string>>;

/** A server on a free port that keeps nothing but what `settings` say, in a folder of its own. */
export async function startRedisServer(
  program: string,
  settings: RedisSettings = {},
  port?: number,
): Promise<OwnRedis> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-redis-"));
  const at = port ?? (await freePort());
  const start = (): Promise<RunningProcess> => startServer(program, folder, at, settings);
  let server = await start();
  return {
    url: `redis://127.0.0.1:${at}/0`,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
    controls: {
      kill: async () => {
        server.signal("SIGKILL");
        await server.ended;
      },
      pause: async () => server.signal("SIGSTOP"),
      resume: async () => server.signal("SIGCONT"),
      restart: async () => {
        await server.stop();
        server = await start();
      },
    },
  };
}

function startServer(program: string, folder: string, port: number, settings: RedisSettings): Promise<RunningProcess> {
  const own = { port: String(port), bind: "127.0.0.1", dir: folder, save: "", appendonly: "no", daemonize: "no" };
  const options = { ...own, ...settings };
  return startProcess({
    name: "redis-server",
    command: program,
    args: Object.entries(options).flatMap(([key, value]) => [`--${key}`, value]),
    ready: () => answersPing("127.0.0.1", port),
  });
}

/** True when a Redis that is ready for commands listens there. Gives up after a second. */
export function answersPing(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    let text = "";
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (text.includes("\r\n")) socket.destroy();
    });
    socket.once("error", () => {});
    socket.once("close", () => resolve(text.startsWith("+PONG")));
    socket.write("PING\r\n");
  });
}

/** For servers that are not children of ours. */
export async function untilRedisAnswers(host: string, port: number): Promise<void> {
  await until(() => answersPing(host, port), { what: `Redis on ${host}:${port}` });
}

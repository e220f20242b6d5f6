import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { send } from "./http.js";
import { freePort, startProcess } from "./process.js";

/** One series of an instant query: its labels, and its value. */
export interface Sample {
  metric: Record<string, string>;
  value: number;
}

export interface RunningPrometheus {
  /** What an expression gives now. Throws with what Prometheus says of one that it does not take. */
  query(expression: string): Promise<Sample[]>;
  /** From its API, below `/api/v1/`. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  get(path: string): Promise<any>;
  stop(): Promise<void>;
}

/** Starts a Prometheus that scrapes one server every second with a bearer token, and evaluates these rules. */
export async function startPrometheus(
  program: string,
  target: { address: string; token: string; rules: string },
): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-prometheus-"));
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "token"), target.token);
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [target.rules],
    scrape_configs: [
      {
        job_name: "countersign",
        authorization: { credentials_file: "token" },
        static_configs: [{ targets: [target.address] }],
      },
    ],
  };
  // JSON is YAML.
  await writeFile(join(folder, "prometheus.yml"), JSON.stringify(config));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const child = await startProcess({
    name: "prometheus",
    command: program,
    args: [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    logFile: join(folder, "prometheus.log"),
    ready: async () => (await send(`${base}/-/ready`)).status === 200,
  });

  const get: RunningPrometheus["get"] = async (path) => {
    const { body } = await send(`${base}/api/v1/${path}`, { timeoutMs: 30_000 });
    const { status, error, data } = JSON.parse(body);
    if (status !== "success") throw new Error(`${decodeURIComponent(path)}: ${error}`);
    return data;
  };
  return {
    get,
    async query(expression) {
      const { result } = await get(`query?query=${encodeURIComponent(expression)}`);
      return result.map(({ metric, value }: { metric: Record<string, string>; value: [number, string] }) => ({
        metric,
        value: Number(value[1]),
      }));
    },
    async stop() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

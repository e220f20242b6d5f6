import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { findEnvoy } from "./find_envoy.js";
import { send } from "./http.js";
import { startProcess } from "./process.js";
import { repository } from "./programs.js";
import { until } from "./until.js";

export type Authorizer = { host: string; port: number } | { unix: string };

export interface EnvoyOptions {
  /** The Envoy program, when it was found before. */
  program?: string;
  /** 0, the default, takes a free one. */
  listenPort?: number;
  authorizer: Authorizer;
  /** `domains` are the host names that lead to the tool; default: those of the shipped file. */
  tool: { host: string; port: number; domains?: readonly string[] };
  /** Wait until the authorizer answers health checks. False for tests that do without one. */
  waitForAuthorizer?: boolean;
  /** Both streams of Envoy are also appended here. */
  logFile?: string;
  /** Last change to the configuration, for tests of other settings. */
  edit?: (config: EnvoyConfig) => void;
}

export interface RunningEnvoy {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  readonly adminUrl: string;
  /** The access log so far: one JSON object per request. */
  accessLog(): Record<string, unknown>[];
  /** Envoy's own messages. */
  stderr(): string;
  stop(): Promise<void>;
}

/** As much of Envoy's configuration as is changed here. */
export interface EnvoyConfig {
  admin: { address: unknown; allow_paths?: unknown };
  static_resources: {
    listeners: { address: unknown; filter_chains: { filters: { typed_config: HttpConnectionManager }[] }[] }[];
    clusters: {
      name: string;
      load_assignment: { endpoints: { lb_endpoints: { endpoint: { address: unknown } }[] }[] };
      [key: string]: unknown;
    }[];
  };
}

export interface HttpConnectionManager {
  http_filters: { name: string; typed_config: Record<string, unknown> }[];
  route_config: { virtual_hosts: { name: string; domains: string[]; routes: Record<string, unknown>[] }[] };
  [key: string]: unknown;
}

const shipped = join(repository, "envoy", "reverse-proxy.yaml");

/** Runs the real Envoy with the shipped reverse-proxy configuration; only addresses differ. Throws `PartMissing`. */
export async function startEnvoy(options: EnvoyOptions): Promise<RunningEnvoy> {
  const program = options.program ?? (await findEnvoy());
  const folder = await mkdtemp(join(tmpdir(), "countersign-envoy-"));
  const adminFile = join(folder, "admin-address");
  const configFile = join(folder, "envoy.json");
  await writeFile(configFile, JSON.stringify(readdress(parse(await readFile(shipped, "utf8")), options)));

  let adminUrl = "";
  const envoy = await startProcess({
    name: "envoy",
    command: program,
    args: [
      ...["--config-path", configFile, "--admin-address-path", adminFile, "--log-level", "warning"],
      // The last one is for the access log, which Envoy otherwise writes every ten seconds.
      ...["--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "50"],
    ],
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ready: async () => {
      adminUrl = `http://${(await readFile(adminFile, "utf8")).trim()}`;
      return (await send(`${adminUrl}/ready`)).status === 200;
    },
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const stop = async (): Promise<void> => {
    await envoy.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await until(() => listenerPort(adminUrl), { what: "Envoy's listener" });
    if (options.waitForAuthorizer ?? true) await untilHealthy(adminUrl);
    const accessLog = (): Record<string, unknown>[] => entries(envoy.stdout());
    return { pid: envoy.pid, port, url: `http://127.0.0.1:${port}`, adminUrl, accessLog, stderr: envoy.stderr, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function readdress(config: EnvoyConfig, options: EnvoyOptions): EnvoyConfig {
  const { listeners, clusters } = config.static_resources;
  // Envoy writes the admin port it took into a file, so the harness needs neither the shipped socket's path nor a guess.
  config.admin.address = tcp("127.0.0.1", 0);
  for (const listener of listeners) listener.address = tcp("127.0.0.1", options.listenPort ?? 0);
  const { authorizer, tool } = options;
  const targets: Record<string, unknown> = {
    countersign: "unix" in authorizer ? { pipe: { path: authorizer.unix } } : tcp(authorizer.host, authorizer.port),
    tool: tcp(tool.host, tool.port),
  };
  for (const { name, load_assignment } of clusters) {
    for (const { endpoint } of load_assignment.endpoints.flatMap((group) => group.lb_endpoints)) {
      endpoint.address = targets[name] ?? endpoint.address;
    }
  }
  for (const host of connectionManager(config).route_config.virtual_hosts) {
    if (host.name === "tool" && tool.domains !== undefined) host.domains = [...tool.domains];
  }
  options.edit?.(config);
  return config;
}

/** The one HTTP connection manager of the shipped file. */
export function connectionManager(config: EnvoyConfig): HttpConnectionManager {
  const manager = config.static_resources.listeners[0]?.filter_chains[0]?.filters[0]?.typed_config;
  if (manager === undefined) throw new Error("the configuration has no HTTP connection manager");
  return manager;
}

function tcp(address: string, port: number): unknown {
  return { socket_address: { address, port_value: port } };
}

async function listenerPort(adminUrl: string): Promise<number | undefined> {
  const { body } = await send(`${adminUrl}/listeners?format=json`);
  const found: { listener_statuses?: { local_address: { socket_address: { port_value: number } } }[] } =
    JSON.parse(body);
  return found.listener_statuses?.[0]?.local_address.socket_address.port_value;
}

/** Polls the admin interface until every endpoint of the authorizer passes its health check, or fails after the timeout. */
export async function untilHealthy(adminUrl: string, timeoutMs = 60_000): Promise<void> {
  await until(
    async () => {
      const { body } = await send(`${adminUrl}/clusters`);
      const flags = body.match(/^countersign::.*::health_flags::.*$/gm) ?? [];
      return flags.length > 0 && flags.every((line) => line.endsWith("::healthy"));
    },
    { what: "the authorizer to pass Envoy's health check", timeoutMs },
  );
}

function entries(stdout: string): Record<string, unknown>[] {
  // The last piece is a line still being written, or nothing; the first may have lost its beginning.
  const lines = stdout.split("\n").slice(0, -1);
  return lines.filter((line) => line.startsWith("{")).map((line): Record<string, unknown> => JSON.parse(line));
}

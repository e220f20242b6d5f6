import { createHash, randomBytes } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Document, parseDocument } from "yaml";
import { connectionManager, type EnvoyConfig, type RunningEnvoy, startEnvoy, untilHealthy } from "./envoy.js";
import { type ExampleTool, type ExampleToolOptions, startExampleTool } from "./example_tool.js";
import { type Answer, send } from "./http.js";
import { freePort, type RunningProcess, startProcess } from "./process.js";
import { repository, run } from "./programs.js";

/** Host names of the example files, all served by the one example tool. */
const hosts = ["deploy.internal", "aws.internal", "reports.internal", "payments.internal"];
const cli = join(repository, "dist", "cli.js");

export interface StackOptions {
  /** `memory:` or the URL of a Redis. */
  store: string;
  /** Added to the environment of the server. */
  env?: Record<string, string>;
  /** Last change to the files in this folder before the server reads them. */
  edit?: (folder: string) => Promise<void>;
  envoyProgram?: string;
  /** Last change to Envoy's configuration. */
  editEnvoy?: (config: EnvoyConfig) => void;
  /** What the tool answers, in place of its 200. */
  respond?: ExampleToolOptions["respond"];
  /** 0 takes free ports. */
  ports?: { envoy: number; grpc: number; http: number };
}

/** The real Envoy before the real server, with the example tool behind them. */
export interface Stack {
  folder: string;
  config: string;
  envoy: RunningEnvoy;
  tool: ExampleTool;
  server: RunningProcess;
  /** Base of the HTTP API. */
  api: string;
  /** Token of the person who approves, and of one who may only look. */
  people: { approver: string; viewer: string };
  /** A fresh agent token; the same one for each agent until `fresh`. */
  token(agent: string, ...options: string[]): Promise<string>;
  /** One call of an agent through Envoy. */
  call(agent: string | null, request: CallRequest): Promise<Answer>;
  /** One request to the HTTP API. */
  ask(token: string, path: string, body?: object): Promise<Answer>;
  /** Runs the command line of this build. */
  countersign(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Ends the server, if it still runs, and starts it again; `env` instead of the one it was first started with. */
  restartServer(env?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

export interface CallRequest {
  host: string;
  path: string;
  method?: string;
  json?: object;
  form?: string;
  headers?: Record<string, string>;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-stack-"));
  const ports = options.ports ?? { envoy: 0, grpc: await freePort(), http: await freePort() };
  const config = join(folder, "countersign.yaml");
  const api = `http://127.0.0.1:${ports.http}`;
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };

  try {
    const countersign: Stack["countersign"] = (...args) => runCli(args);
    const people = await writeFiles(folder, { ...ports, store: options.store, api });
    await options.edit?.(folder);
    const tool = await startExampleTool({ ...(options.respond && { respond: options.respond }) });
    undo.push(() => tool.stop());
    const startServer = (env = options.env) =>
      startProcess({
        name: "countersign",
        command: process.execPath,
        args: [cli, "serve", "--config", config],
        // Tests look for the record of each refusal; a test of floods says otherwise.
        env: { NODE_OPTIONS: "", COUNTERSIGN_AUDIT_REFUSALS_WHOLE: "1000000", ...env },
        logFile: join(folder, "server.log"),
        ready: async () => (await send(`${api}/healthz`)).status === 200,
      });
    const stack: Stack = {
      folder,
      config,
      envoy: undefined as never,
      tool,
      server: await startServer(),
      api,
      people,
      token: agentTokens(config),
      async call(agent, { host, path, method, json, form, headers }) {
        const body = json === undefined ? form : JSON.stringify(json);
        const type = json === undefined ? "application/x-www-form-urlencoded" : "application/json";
        return send(`${stack.envoy.url}${path}`, {
          host,
          ...(method !== undefined && { method }),
          headers: {
            ...(agent !== null && { authorization: `Bearer ${await stack.token(agent)}` }),
            ...(body !== undefined && { "content-type": type, "content-length": String(Buffer.byteLength(body)) }),
            ...headers,
          },
          ...(body !== undefined && { body }),
        });
      },
      ask(token, path, body) {
        const headers = {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        };
        return send(`${api}${path}`, {
          headers,
          timeoutMs: 40_000,
          ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
        });
      },
      countersign,
      async restartServer(env) {
        await stack.server.stop();
        stack.server = await startServer(env);
        await untilHealthy(stack.envoy.adminUrl);
      },
      stop,
    };
    undo.push(() => stack.server.stop());
    stack.envoy = await startEnvoy({
      ...(options.envoyProgram !== undefined && { program: options.envoyProgram }),
      listenPort: ports.envoy,
      authorizer: { host: "127.0.0.1", port: ports.grpc },
      tool: { host: tool.host, port: tool.port, domains: hosts },
      logFile: join(folder, "envoy.log"),
      edit: (config) => {
        waitLonger(config);
        options.editEnvoy?.(config);
      },
    });
    undo.push(() => stack.envoy.stop());
    return stack;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** For a store that answers, on a busy machine; where a test takes the store away, it says less. */
const storeTimeout = "3s";
/** Seconds that Envoy waits for a judgement here: a machine that is busy with other tests may take longer than it should. */
export const judgedWithinS = 10;

function waitLonger(config: EnvoyConfig): void {
  for (const { typed_config } of connectionManager(config).http_filters) {
    if (typed_config.grpc_service) Object.assign(typed_config.grpc_service, { timeout: `${judgedWithinS}s` });
  }
  const later = (name: string, value: unknown): unknown => {
    if (name === "health_checks") return (value as object[]).map((check) => ({ ...check, timeout: "5s" }));
    return name === "connection_keepalive" ? { ...(value as object), timeout: "60s" } : value;
  };
  config.static_resources.clusters = JSON.parse(JSON.stringify(config.static_resources.clusters, later));
}

/** Tokens as the command line issues them, one for each agent and set of options. */
function agentTokens(config: string): Stack["token"] {
  const issued = new Map<string, Promise<string>>();
  return (agent, ...options) => {
    const key = JSON.stringify([agent, options]);
    const token = issued.get(key) ?? runCli(["token", agent, "--config", config, ...options]).then(succeeded);
    issued.set(key, token);
    return token;
  };
}

function succeeded({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }): string {
  if (code !== 0) throw new Error(`the command failed with ${code}: ${stderr}`);
  return stdout.trim();
}

async function runCli(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = await startProcess({
    name: "countersign",
    command: process.execPath,
    args: [cli, ...args],
    env: { NODE_OPTIONS: "" },
  });
  const { code } = await child.ended;
  return { code: code ?? -1, stdout: child.stdout(), stderr: child.stderr() };
}

/** `init`, then the example's own files, addresses and people over what it wrote. */
async function writeFiles(
  folder: string,
  { grpc, http, store, api }: { grpc: number; http: number; store: string; api: string },
): Promise<Stack["people"]> {
  await run(process.execPath, [cli, "init", "--dir", folder]);
  await rm(join(folder, "policies"), { recursive: true });
  await cp(join(repository, "test", "demo", "files"), folder, { recursive: true, force: true });

  const config = parseDocument(await readFile(join(folder, "countersign.yaml"), "utf8")) as Document;
  config.setIn(["listen", "grpc"], `127.0.0.1:${grpc}`);
  config.setIn(["listen", "http"], `127.0.0.1:${http}`);
  config.setIn(["public_url"], api);
  config.setIn(["store"], store);
  config.setIn(["store_timeout"], storeTimeout);
  await writeFile(join(folder, "countersign.yaml"), config.toString());

  const people = { approver: newToken(), viewer: newToken() };
  const person = (id: string, access: string, token: string) =>
    `  - {id: ${id}, access: [${access}], tokens: [{sha256: "${createHash("sha256").update(token).digest("hex")}"}]}\n`;
  const text = `people:\n${person("alice@example.com", "approver", people.approver)}${person("vic@example.com", "viewer", people.viewer)}`;
  await writeFile(join(folder, "people.yaml"), text);
  return people;
}

function newToken(): string {
  return `cst_${randomBytes(24).toString("base64url")}`;
}

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { loadProtos } from "../../src/grpc/load_protos.js";
import type { HeaderValueOption } from "../../src/grpc/messages.js";
import { issueToken } from "../../src/identify/issue.js";
import { readKeyFile } from "../../src/keys/keys.js";
import { systemRuntime } from "../../src/runtime.js";
import { type Answer, send } from "./http.js";
import { type RunningProcess, startProcess } from "./process.js";
import { repository, run } from "./programs.js";
import { until } from "./until.js";

/** What `make build` makes; `TEST_DIST` names another build. */
const cli = join(process.env.TEST_DIST ?? join(repository, "dist"), "cli.js");
const protos = loadProtos();
/** Of the issuer that `init` writes. */
const issuer = { issuer: "http://127.0.0.1:9192", audience: "countersign" };
const hourMs = 3_600_000;
/** Far beyond any wait of a server. */
const deadlineMs = 30_000;

export interface PairOptions {
  /** As `COUNTERSIGN_STORE` takes it: a URL, or a map in braces. */
  store: string;
  /** Added to the environment of both servers. */
  env?: Readonly<Record<string, string>>;
  /** Agents with a policy each, without its `agent`. They may use every tool. */
  agents: Readonly<Record<string, object>>;
}

/** One `GET /v1/export` of a tool. */
export interface PairCall {
  agent: string;
  /** Default: the agent's first. */
  session?: string;
  tool?: PairTool;
  /** Added to the path, so that it is another call. */
  query?: string;
  override?: string;
  /** Envoy's stream id; default: a fresh one. */
  stream?: string;
}

/** The catalogue: two tools whose calls cost 1. */
export const pairTools = ["reports", "archive"] as const;
export type PairTool = (typeof pairTools)[number];

/** What the server told Envoy. */
export interface Checked {
  allowed: boolean;
  /** `allowed`, or why not. */
  reason: string;
  decisionId: string;
  /** What `ratelimit` says is left of each limit, of a call that was refused of the limit that refused it. */
  left: Readonly<Record<string, number>>;
  /** The error payload; `null` for calls that passed. */
  problem: { approval?: { id: string } } | null;
  /** How long the answer took, in milliseconds. */
  ms: number;
}

/** One of the two processes. */
export interface Member {
  readonly server: RunningProcess;
  /** Its audit directory. */
  readonly audit: string;
  check(call: PairCall): Promise<Checked>;
  /** One request to its HTTP API, of the admin unless told otherwise. */
  ask(path: string, options?: { token?: string; body?: object }): Promise<Answer>;
  /** A counter or gauge of its metrics, with its labels as they stand there; 0 when it is not there. */
  metric(name: string): Promise<number>;
}

/** Two real servers over one store, asked directly, as two Envoys would. They share keys, agents and policies. */
export interface Pair {
  readonly members: readonly [Member, Member];
  /** The member that call number `n` goes to. */
  of(n: number): Member;
  token(agent: string, session?: string): Promise<string>;
  /** File of the key that both sign records with. */
  readonly auditKey: string;
  /** Starts a member anew whose server has ended. */
  restart(n: 0 | 1): Promise<void>;
  /** The last line of `audit verify` for both, which fails the test unless everything holds. */
  verified(): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startPair({ store, env, agents }: PairOptions): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-pair-"));
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const admin = await writeFiles(folder, agents);
    const token = await issuerOf(folder);
    const start = async (name: string): Promise<Member> => {
      const audit = join(folder, `audit-${name}`);
      const { server, grpc, http } = await startServer(folder, name, {
        COUNTERSIGN_STORE: store,
        COUNTERSIGN_AUDIT_DIR: audit,
        COUNTERSIGN_POLICY_HISTORY_DIR: join(folder, `policies-${name}`),
        ...env,
      });
      undo.push(() => server.stop());
      const client = new Client(grpc, credentials.createInsecure());
      undo.push(async () => client.close());
      const ask: Member["ask"] = (path, { token: bearer = admin, body } = {}) =>
        send(`${http}${path}`, {
          headers: { authorization: `Bearer ${bearer}`, ...(body && { "content-type": "application/json" }) },
          ...(body && { body: JSON.stringify(body) }),
        });
      return {
        server,
        audit,
        check: async (call) => check(client, requestOf(call, await token(call.agent, call.session))),
        ask,
        metric: async (name) => {
          const line = (await ask("/metrics")).body.split("\n").find((line) => line.startsWith(`${name} `));
          return Number(line?.slice(name.length + 1) ?? 0);
        },
      };
    };
    const members = await both(start("one"), start("two"));
    const auditKey = join(folder, "var", "audit.jwk");
    return {
      members,
      of: (n) => members[n % 2 === 0 ? 0 : 1],
      token,
      auditKey,
      restart: async (n) => {
        members[n] = await start(n === 0 ? "one" : "two");
      },
      verified: () => Promise.all(members.map(({ audit }) => verify(audit, auditKey))),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for both also when one fails, so that what the other has started is known. */
async function both<T>(...starting: [Promise<T>, Promise<T>]): Promise<[T, T]> {
  await Promise.allSettled(starting);
  return Promise.all(starting);
}

/** Returns the admin's token. */
async function writeFiles(folder: string, agents: PairOptions["agents"]): Promise<string> {
  const written = await run(process.execPath, [cli, "init", "--dir", folder, "--json"]);
  await rm(join(folder, "policies"), { recursive: true });
  await mkdir(join(folder, "policies"));
  const names = Object.keys(agents);
  // JSON is YAML.
  const write = (name: string, value: object) => writeFile(join(folder, name), JSON.stringify(value));
  await write("agents.yaml", { agents: names.map((id) => ({ id, scopes: pairTools.map((tool) => `${tool}:*`) })) });
  await write("tools.yaml", {
    tools: pairTools.map((name) => ({
      name,
      match: { hosts: [`${name}.internal`], methods: ["GET"], path: "/v1/{action}" },
      protocol: "http",
      action: "{path.action}",
      cost: 1,
    })),
  });
  for (const [agent, policy] of Object.entries(agents)) await write(`policies/${agent}.yaml`, { agent, ...policy });
  return (JSON.parse(written) as { admin_token: string }).admin_token;
}

/** Tokens as the command line issues them, one for each agent and session. */
async function issuerOf(folder: string): Promise<Pair["token"]> {
  const key = await readKeyFile(join(folder, "var", "issuer.jwk"), "issuer");
  const issued = new Map<string, Promise<string>>();
  return (agent, session = `${agent}-1`) => {
    const name = JSON.stringify([agent, session]);
    const token =
      issued.get(name) ??
      issueToken({
        key,
        ...issuer,
        agent: { id: agent },
        ttlMs: hourMs,
        maxTtlMs: hourMs,
        scope: pairTools.map((tool) => `${tool}:*`).join(" "),
        session_id: session,
        now: systemRuntime.now(),
        id: systemRuntime.id(),
      });
    issued.set(name, token);
    return token;
  };
}

const readyLine = /^countersign is ready: grpc (\S+), http (\S+),/m;

async function startServer(folder: string, name: string, env: Readonly<Record<string, string>>) {
  const server = await startProcess({
    name: `countersign ${name}`,
    command: process.execPath,
    args: [cli, "serve", "--config", join(folder, "countersign.yaml")],
    env: {
      NODE_OPTIONS: "",
      COUNTERSIGN_LISTEN_GRPC: "127.0.0.1:0",
      COUNTERSIGN_LISTEN_HTTP: "127.0.0.1:0",
      COUNTERSIGN_TELEMETRY_LOG_LEVEL: "error",
      // Tests look for the record of each refusal.
      COUNTERSIGN_AUDIT_REFUSALS_WHOLE: "1000000",
      ...env,
    },
    logFile: join(folder, `${name}.log`),
  });
  const match = await until(() => readyLine.exec(server.stdout()) ?? (!server.running() && "ended"), {
    what: `${name} to be ready`,
  });
  if (match === "ended") throw new Error(`${name} ended: ${server.stderr()}`);
  return { server, grpc: match[1] ?? "", http: match[2] ?? "" };
}

function requestOf({ tool = "reports", query, override, stream }: PairCall, token: string): object {
  return {
    attributes: {
      request: {
        http: {
          id: stream ?? systemRuntime.id(),
          method: "GET",
          scheme: "http",
          protocol: "HTTP/1.1",
          host: `${tool}.internal`,
          path: query === undefined ? "/v1/export" : `/v1/export?${query}`,
          headers: {
            authorization: `Bearer ${token}`,
            ...(override !== undefined && { "x-countersign-override": override }),
          },
        },
      },
    },
  };
}

interface Response {
  status: { code: number; message: string } | null;
  ok_response?: { headers: HeaderValueOption[]; response_headers_to_add: HeaderValueOption[] };
  denied_response?: { headers: HeaderValueOption[]; body: string };
}

function check(client: Client, request: object): Promise<Checked> {
  const { path, requestSerialize, responseDeserialize } = protos.method;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const answered = (error: Error | null, response?: object): void => {
      if (error || !response) reject(error ?? new Error("no answer"));
      else resolve({ ...readAnswer(response as Response), ms: performance.now() - started });
    };
    const deadline = Date.now() + deadlineMs;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, answered);
  });
}

function readAnswer({ status, ok_response: ok, denied_response: denied }: Response): Omit<Checked, "ms"> {
  const headerOf = (name: string, headers: readonly HeaderValueOption[] = []): string =>
    headers.find(({ header }) => header.key === name)?.header.value ?? "";
  const standings = headerOf("ratelimit", ok?.response_headers_to_add ?? denied?.headers).matchAll(
    /"([\w-]+)";r=(\d+)/g,
  );
  return {
    allowed: status?.code === 0 && ok !== undefined,
    reason: status?.code === 0 ? "allowed" : (status?.message ?? ""),
    decisionId: headerOf("x-countersign-decision-id", (ok ?? denied)?.headers),
    left: Object.fromEntries([...standings].map(([, policy = "", left]) => [policy, Number(left)])),
    problem: denied ? JSON.parse(denied.body) : null,
  };
}

async function verify(audit: string, key: string): Promise<string> {
  const told = await run(process.execPath, [cli, "audit", "verify", audit, "--key", key]);
  return told.trimEnd().split("\n").at(-1) ?? "";
}

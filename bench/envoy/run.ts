import { type EnvoyConfig, type RunningEnvoy, startEnvoy } from "../../test/harness/envoy.js";
import { send } from "../../test/harness/http.js";
import { tell } from "../../test/harness/programs.js";
import { until } from "../../test/harness/until.js";
import { startScript } from "../contenders/contender.js";
import { startOurs } from "../contenders/ours.js";
import { startPeer } from "../contenders/peer.js";
import { startRatelimit } from "../contenders/ratelimit.js";
import { usedBy } from "../harness/accounting.js";
import type { Cleanup } from "../harness/cleanup.js";
import { runFortio } from "../harness/fortio.js";
import type { LoadResult } from "../harness/ghz.js";
import type { Options } from "../harness/options.js";
import { inRounds, runUpCalls, warmUp } from "../harness/rounds.js";
import { forbiddenCalls } from "../harness/same_meaning.js";
import { allowedBody, allowedCall, type BenchCall, type Workload } from "../harness/workload.js";
import { alone, assembled, tool, withOutcomesOnly, withoutAccessLogs, withoutHealthChecks } from "./setups.js";

/** Programs that the half through Envoy uses. */
export interface EnvoyPrograms {
  fortio: string;
  envoy: string;
  redis: string;
  /** opa-envoy-plugin and ratelimit, where both are here. */
  assembled: { opa: string; ratelimit: string } | undefined;
}

/** Envoy with what stands behind it. */
export interface Chain {
  /** Its name in ratios. */
  key: string;
  name: string;
  url: string;
  envoy: number;
  /** Processes that Envoy asks, without Redis. */
  helpers: number[];
  redis: number[];
  /** Nothing of it is a program of Node. */
  compiled?: true;
}

/** One run of load through one chain. CPU in microseconds a request. */
export interface ChainFigure extends LoadResult {
  envoyCpuUs: number;
  helpersCpuUs: number;
  redisCpuUs: number;
  residentBytes: number;
}

export interface ChainFound {
  key: string;
  name: string;
  figures: ChainFigure[];
}

const connections = 16;
const enough = 4;

/** The half through the real Envoy, from the client's connection to a tool that only answers. */
export async function runEnvoy(
  programs: EnvoyPrograms,
  { workload, options, cleanup }: { workload: Workload; options: Options; cleanup: Cleanup },
): Promise<ChainFound[]> {
  const chains = await startChains(programs, workload, cleanup);
  for (const chain of chains) await assertMeaning(chain, workload);
  const requestsOf = new Map<Chain, number>();
  for (const chain of chains) {
    tell(`bench: warming up Envoy, ${chain.name}`);
    const load = (requests: number) => loadOnce(chain, { requests, agent: 0 }, programs.fortio, workload);
    const perSecond = await warmUp(load, chain);
    requestsOf.set(chain, Math.min(options.requests, Math.ceil(perSecond * enough)));
  }
  const found = await inRounds(chains, options.rounds, async (chain, round) => {
    const requests = requestsOf.get(chain) ?? options.requests;
    const load = (count: number) => loadOnce(chain, { requests: count, agent: round }, programs.fortio, workload);
    await load(runUpCalls);
    const figure = await load(requests);
    const cpu = figure.envoyCpuUs + figure.helpersCpuUs + figure.redisCpuUs;
    tell(`bench: round ${round + 1} (${chain.key}) ${cpu.toFixed(0)} us CPU, p99 ${figure.p99.toFixed(1)} ms`);
    return figure;
  });
  return chains.map((chain) => ({ key: chain.key, name: chain.name, figures: found.get(chain) ?? [] }));
}

async function loadOnce(
  { name, url, envoy, helpers, redis }: Chain,
  { requests, agent }: { requests: number; agent: number },
  fortio: string,
  workload: Workload,
): Promise<ChainFigure> {
  const groups = [[envoy], helpers, redis];
  const before = groups.map(usedBy);
  const { token, body } = allowedCall(workload, agent);
  const result = await runFortio({
    ...{ fortio, url: `${url}/v1/deploy`, calls: requests, connections, payload: JSON.stringify(body) },
    headers: ["Host: deploy.internal", `Authorization: Bearer ${token}`],
  });
  const after = groups.map(usedBy);
  const failed = `Envoy, ${name}: ${result.failed} of ${requests} requests did not pass`;
  if (result.failed > requests / 100) throw new Error(failed);
  if (result.failed > 0) tell(`bench: ${failed}`);
  const [envoyCpuUs = 0, helpersCpuUs = 0, redisCpuUs = 0] = after.map(
    ({ cpuUs }, i) => (cpuUs - (before[i]?.cpuUs ?? 0)) / requests,
  );
  const residentBytes = after.map((used) => used.residentBytes).reduce((a, b) => a + b, 0);
  return { ...result, envoyCpuUs, helpersCpuUs, redisCpuUs, residentBytes };
}

async function startChains(programs: EnvoyPrograms, workload: Workload, cleanup: Cleanup): Promise<Chain[]> {
  let toolPort = 1;
  toolPort = (await envoyTo(1, tool)).port;
  async function envoyTo(port: number, edit: (config: EnvoyConfig) => void, isHealthy = false): Promise<RunningEnvoy> {
    const envoy = await startEnvoy({
      program: programs.envoy,
      authorizer: { host: "127.0.0.1", port },
      tool: { host: "127.0.0.1", port: toolPort, domains: ["deploy.internal"] },
      waitForAuthorizer: isHealthy,
      edit,
    });
    cleanup.add(() => envoy.stop());
    return envoy;
  }
  const chain = (key: string, name: string, { pid, url }: RunningEnvoy, behind: Partial<Chain> = {}): Chain => ({
    ...{ key, name, url, envoy: pid, helpers: [], redis: [] },
    ...behind,
  });

  const floor = await startScript("floor.ts", [], cleanup);
  const sink = await startScript("sink.ts", [], cleanup);
  const full = { redisProgram: programs.redis, collector: `http://${sink.address}`, cleanup, auditKey: "oct" } as const;
  const ours = await startOurs(workload, { ...full, key: "e1", name: "through Envoy" });
  const told = await startOurs(workload, { ...full, key: "e2", name: "through Envoy, with outcomes" });
  const behind = ({ pids, redis }: typeof ours) => ({ helpers: pids, redis: redis ? [redis.pid] : [] });
  return [
    chain("alone", "alone", await envoyTo(1, alone), { compiled: true }),
    chain("floor", "constant allow on grpc-js", await envoyTo(portOf(floor.address), withoutHealthChecks), {
      helpers: [floor.pid],
    }),
    chain("ours", "ours, full", await envoyTo(portOf(ours.address), withoutAccessLogs, true), behind(ours)),
    chain(
      "ours+outcomes",
      "ours, full, outcomes recorded too",
      await envoyTo(portOf(told.address), withOutcomesOnly, true),
      behind(told),
    ),
    ...(await assembledChains()),
  ];

  async function assembledChains(): Promise<Chain[]> {
    if (!programs.assembled) return [];
    const { opa, ratelimit } = programs.assembled;
    const peer = await startPeer(opa, workload, cleanup);
    const limiter = await startRatelimit(ratelimit, { folder: workload.folder, redisProgram: programs.redis, cleanup });
    const helpers = [...peer.pids, limiter.pid];
    const made: Chain[] = [];
    for (const tokenCache of [false, true]) {
      const edit = assembled({ issuer: workload.issuer, ratelimitPort: limiter.grpcPort, tokenCache });
      const envoy = await envoyTo(portOf(peer.address), edit);
      const name = `jwt_authn + opa-envoy-plugin + ratelimit, token cache ${tokenCache ? "on" : "off"}`;
      const behind: Partial<Chain> = { helpers, redis: [limiter.redis.pid], compiled: true };
      made.push(chain(tokenCache ? "e-cached" : "e", name, envoy, behind));
    }
    return made;
  }
}

/** What has an authorizer with a policy lets the allowed call through and stops all others, a forged token among them. */
async function assertMeaning({ key, name, url }: Chain, workload: Workload): Promise<void> {
  const status = async ({ method = "POST", path = "/v1/deploy", host = "deploy.internal", ...call }: BenchCall) => {
    const headers = { authorization: `Bearer ${call.token}`, "content-type": "application/json" };
    const body = JSON.stringify(call.body ?? allowedBody(0));
    return (await send(url + path, { method, host, headers: { ...headers, host }, body })).status;
  };
  const call = allowedCall(workload, 0);
  // The first calls of a new process may be too slow for its own patience.
  await until(async () => (await status(call)) === 200, { what: `Envoy, ${name}, to let the allowed call through` });
  if (key === "alone" || key === "floor") return;
  const [head, claims] = call.token.split(".");
  const forged = { ...call, why: "a forged token", token: `${head}.${claims}.${"A".repeat(86)}` };
  for (const { why, ...forbidden } of [...forbiddenCalls(workload), forged]) {
    if ((await status(forbidden)) === 200) throw new Error(`Envoy, ${name}: a forbidden call passed: ${why}`);
  }
}

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));

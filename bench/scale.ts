/** `make bench-scale`: how cost, memory, start and reload grow with the number of agents and of rules. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { tell } from "../test/harness/programs.js";
import { usedBy } from "./harness/accounting.js";
import { type Cleanup, withCleanup } from "./harness/cleanup.js";
import { runGhz } from "./harness/ghz.js";
import { publish, type Section } from "./harness/results.js";
import { inRounds } from "./harness/rounds.js";
import { ratiosOf, spreadOf } from "./harness/stats.js";
import { type Rows, shown } from "./harness/table.js";
import { findTool } from "./harness/tools.js";
import type { BenchCall } from "./harness/workload.js";
import { type ScaleServer, startScaleServer, writeCalls } from "./scale/server.js";

/** What one round finds of one server. */
const figures = {
  cpuUs: "CPU a decision, us",
  firstUs: "CPU of a first sight, us",
  p50: "p50, ms",
  p99: "p99, ms",
  idlePercent: "idle, % of a core",
  reloadMs: "reload of one file, ms",
  waitMs: "longest wait meanwhile, ms",
  residentMb: "resident, MB",
} as const;
type Figure = keyof typeof figures;
type Found = Record<Figure, number>;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    calls: { type: "string", default: "4000" },
    agents: { type: "string", default: "10,1000,100000" },
    rules: { type: "string", default: "1,100" },
  },
});
const [rounds, calls] = [Number(values.rounds), Number(values.calls)];
const listOf = (text: string): number[] => text.split(",").map(Number);
const sizes = listOf(values.rules).flatMap((rules) => listOf(values.agents).map((agents) => ({ agents, rules })));
if (![rounds, calls, ...sizes.flatMap(Object.values)].every((value) => Number.isInteger(value) && value > 0)) {
  console.error("make bench-scale [ROUNDS=3] [CALLS=4000] [AGENTS=10,1000,100000] [RULES=1,100]");
  process.exit(2);
}

async function startAll(cleanup: Cleanup): Promise<ScaleServer[]> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-scale-"));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const redisProgram = await findTool("redis");
  const servers: ScaleServer[] = [];
  for (const size of sizes) {
    const own = join(folder, `${size.agents}-${size.rules}`);
    servers.push(await startScaleServer(own, size, { redisProgram, cleanup }));
    tell(`bench-scale: ${nameOf(size)} started in ${(servers.at(-1)?.startMs ?? 0).toFixed(0)} ms`);
  }
  return servers;
}

/** Calls of the first loads, which do not count: code is compiled, and every caller of the rounds is known afterwards. */
const warmUpCalls = 12_000;
/** Calls with new tokens in each round. */
const unseenCalls = 500;
const idleMs = 3_000;

/** Loads a server, and gives the CPU of each decision. One more try when the machine did not answer in time. */
async function load(server: ScaleServer, { ghz, dataFile }: Loader, calls: readonly BenchCall[], count: number) {
  await writeCalls(dataFile, calls, count);
  for (let tries = 0; ; tries++) {
    const before = usedBy([server.pid]);
    const { p50, p99, failed } = await runGhz({
      ghz,
      addresses: [server.address],
      dataFiles: [dataFile],
      calls: count,
    });
    if (failed === 0) return { cpuUs: (usedBy([server.pid]).cpuUs - before.cpuUs) / count, p50, p99 };
    if (tries > 0) throw new Error(`${nameOf(server.size)}: ${failed} of ${count} calls failed`);
  }
}

interface Loader {
  ghz: string;
  dataFile: string;
}

/**
 * All servers run, and one is loaded at a time, so that what slows the machine down does not count as growth. Files are
 * changed when all loads are over: what a reload leaves behind is no part of a decision.
 */
async function measure(cleanup: Cleanup): Promise<Map<ScaleServer, Found[]>> {
  const servers = await startAll(cleanup);
  const folder = await mkdtemp(join(tmpdir(), "countersign-scale-"));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const loader: Loader = { ghz: await findTool("ghz"), dataFile: join(folder, "calls") };
  for (const server of servers) await load(server, loader, server.caller.steady, warmUpCalls);
  const loads = await inRounds(servers, rounds, async (server, round) => {
    const { cpuUs, p50, p99 } = await load(server, loader, server.caller.steady, calls);
    const first = await load(server, loader, await server.caller.unseen(unseenCalls), unseenCalls);
    const idlePercent = await idleOf(server);
    tell(`bench-scale: round ${round + 1} of ${rounds}, ${nameOf(server.size)}: ${cpuUs.toFixed(0)} us a decision`);
    const residentMb = usedBy([server.pid]).residentBytes / 1e6;
    return { cpuUs, firstUs: first.cpuUs, p50, p99, idlePercent, residentMb };
  });
  const reloads = await inRounds(servers, rounds, (server, round) => server.reload(60 + round));
  const both = (server: ScaleServer): Found[] =>
    (loads.get(server) ?? []).map((found, round) => ({
      ...{ reloadMs: Number.NaN, waitMs: Number.NaN, ...found },
      ...reloads.get(server)?.[round],
    }));
  return new Map(servers.map((server) => [server, both(server)]));
}

/** CPU of a server that nobody asks, in percent of one core. */
async function idleOf({ pid }: ScaleServer): Promise<number> {
  const [before, began] = [usedBy([pid]), performance.now()];
  await sleep(idleMs);
  return (usedBy([pid]).cpuUs - before.cpuUs) / (performance.now() - began) / 10;
}

function nameOf({ agents, rules }: ScaleServer["size"]): string {
  return `${agents.toLocaleString("en")} agents, ${rules} ${rules === 1 ? "rule" : "rules"}`;
}

function rowsOf(found: ReadonlyMap<ScaleServer, Found[]>, cell: (all: Found[], figure: Figure) => string): Rows {
  const names = Object.keys(figures) as Figure[];
  return [
    ["", ...Object.values(figures), "start, ms"],
    ...[...found].map(([{ size, startMs }, all]) => [
      nameOf(size),
      ...names.map((figure) => cell(all, figure)),
      startMs.toFixed(0),
    ]),
  ];
}

await withCleanup(async (cleanup) => {
  const found = await measure(cleanup);
  const [smallest] = [...found.values()];
  const of = (all: Found[], figure: Figure): number[] => all.map((one) => one[figure]);
  const sections: Section[] = [
    { title: "By size", rows: rowsOf(found, (all, figure) => shown(spreadOf(of(all, figure)), 1)) },
    {
      title: "Against the smallest, of the same round",
      rows: rowsOf(found, (all, figure) => `x${shown(ratiosOf(of(all, figure), of(smallest ?? [], figure)))}`),
    },
  ];
  const data = [...found].map(([{ size, startMs }, all]) => ({ size, startMs, rounds: all }));
  await publish("scale", sections, { options: { rounds, calls }, found: data });
});

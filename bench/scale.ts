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
import { inRounds, orderOf } from "./harness/rounds.js";
import { ratiosOf, spreadOf } from "./harness/stats.js";
import { type Rows, shown } from "./harness/table.js";
import { findTool } from "./harness/tools.js";
import type { BenchCall } from "./harness/workload.js";
import { type ScaleServer, startScaleServer, writeCalls } from "./scale/server.js";

/** What one round finds of one server. */
const figures = {
  fewUs: "CPU a decision (10 agents call), us",
  manyUs: "CPU a decision (2,000 agents call), us",
  firstUs: "CPU of a first sight, us",
  p50: "p50, ms",
  p99: "p99, ms",
  idlePercent: "idle, % of a core",
  idleUs: "idle work for each decision, us",
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
/** Longer than the longest rest between two looks at many files, and a thousand ticks of the kernel's accounting. */
const idleMs = 12_000;

/** Loads a server, and gives CPU and time of each decision. One more try when the machine did not answer in time. */
async function load(server: ScaleServer, { ghz, dataFile }: Loader, calls: readonly BenchCall[], count: number) {
  await writeCalls(dataFile, calls, count);
  for (let tries = 0; ; tries++) {
    const [before, began] = [usedBy([server.pid]), performance.now()];
    const { p50, p99, failed } = await runGhz({
      ghz,
      addresses: [server.address],
      dataFiles: [dataFile],
      calls: count,
    });
    const [cpuUs, tookMs] = [usedBy([server.pid]).cpuUs - before.cpuUs, performance.now() - began];
    if (failed === 0) return { cpuUs: cpuUs / count, tookMs: tookMs / count, p50, p99 };
    if (tries > 0) throw new Error(`${nameOf(server.size)}: ${failed} of ${count} calls failed`);
  }
}

/** CPU in us and time in ms of each decision, and latencies in ms. */
type Load = Awaited<ReturnType<typeof load>>;
const callers = ["few", "many"] as const;
type Callers = (typeof callers)[number];
/** The loads of one round of one server. */
type Loads = Record<Callers | "first", Load> & { residentMb: number };

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
  for (const server of servers) {
    for (const of of callers) await load(server, loader, server.caller[of], warmUpCalls / 2);
  }
  const loads = await inRounds(servers, rounds, async (server, round) => {
    const found = new Map<Callers, Load>();
    for (const of of orderOf(callers, round)) found.set(of, await load(server, loader, server.caller[of], calls));
    const [few, many] = callers.map((of) => found.get(of) as Load) as [Load, Load];
    const first = await load(server, loader, await server.caller.unseen(unseenCalls), unseenCalls);
    tell(
      `bench-scale: round ${round + 1} of ${rounds}, ${nameOf(server.size)}: ${many.cpuUs.toFixed(0)} us a decision`,
    );
    return { few, many, first, residentMb: usedBy([server.pid]).residentBytes / 1e6 };
  });
  // Does not count: what the loads left behind is tidied up first.
  await idleOf(servers);
  const idle: Map<ScaleServer, number>[] = [];
  for (let round = 0; round < rounds; round++) idle.push(await idleOf(servers));
  const reloads = await inRounds(servers, rounds, (server, round) => server.reload(60 + round));
  const of = (server: ScaleServer, round: number): Found => {
    const { few, many, first, residentMb } = (loads.get(server) ?? [])[round] as Loads;
    const idlePercent = idle[round]?.get(server) ?? Number.NaN;
    // What a server does anyway would else count as more, the slower the machine answers.
    const idleUs = ({ tookMs }: Load): number => tookMs * idlePercent * 10;
    return {
      fewUs: few.cpuUs - idleUs(few),
      manyUs: many.cpuUs - idleUs(many),
      firstUs: first.cpuUs - idleUs(first),
      ...{ p50: many.p50, p99: many.p99, idlePercent, idleUs: idleUs(many), residentMb },
      ...(reloads.get(server)?.[round] ?? { reloadMs: Number.NaN, waitMs: Number.NaN }),
    };
  };
  return new Map(servers.map((server) => [server, Array.from({ length: rounds }, (_, round) => of(server, round))]));
}

/** CPU of servers that nobody asks, in percent of one core; of all of them in the same time. */
async function idleOf(servers: readonly ScaleServer[]): Promise<Map<ScaleServer, number>> {
  const began = performance.now();
  const before = servers.map(({ pid }) => usedBy([pid]).cpuUs);
  await sleep(idleMs);
  return new Map(
    servers.map((server, at) => {
      const took = usedBy([server.pid]).cpuUs - (before[at] ?? 0);
      return [server, took / (performance.now() - began) / 10];
    }),
  );
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

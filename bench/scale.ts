/** `make bench-scale`: how cost, memory, start and reload grow with the number of agents and of rules. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { type ScaleServer, startScaleServer, writeCalls } from "./scale/server.js";

/** What one round finds of one server. */
const figures = {
  cpuUs: "CPU a decision, us",
  p50: "p50, ms",
  p99: "p99, ms",
  reloadMs: "reload of one file, ms",
  waitMs: "longest wait meanwhile, ms",
  residentMb: "resident, MB",
} as const;
type Figure = keyof typeof figures;
type Found = Record<Figure, number>;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    calls: { type: "string", default: "6000" },
    agents: { type: "string", default: "10,1000,100000" },
    rules: { type: "string", default: "1,100" },
  },
});
const [rounds, calls] = [Number(values.rounds), Number(values.calls)];
const listOf = (text: string): number[] => text.split(",").map(Number);
const sizes = listOf(values.rules).flatMap((rules) => listOf(values.agents).map((agents) => ({ agents, rules })));
if (![rounds, calls, ...sizes.flatMap(Object.values)].every((value) => Number.isInteger(value) && value > 0)) {
  console.error("make bench-scale [ROUNDS=5] [CALLS=6000] [AGENTS=10,1000,100000] [RULES=1,100]");
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

/** All servers run, and one is loaded at a time, so that what slows the machine down does not count as growth. */
async function measure(cleanup: Cleanup): Promise<Map<ScaleServer, Found[]>> {
  const servers = await startAll(cleanup);
  const ghz = await findTool("ghz");
  const folder = await mkdtemp(join(tmpdir(), "countersign-scale-"));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const load = async ({ address, calls: all }: ScaleServer) => {
    const dataFile = join(folder, "calls");
    await writeCalls(dataFile, all, calls);
    const found = await runGhz({ ghz, addresses: [address], dataFiles: [dataFile], calls });
    if (found.failed > 0) throw new Error(`${found.failed} of ${calls} calls failed`);
    return found;
  };
  // Code is compiled, and every token is seen for the first time.
  for (const server of servers) await load(server);
  return inRounds(servers, rounds, async (server, round) => {
    const before = usedBy([server.pid]);
    const { p50, p99 } = await load(server);
    const after = usedBy([server.pid]);
    const reload = await server.reload(60 + round);
    const found: Found = {
      ...{ cpuUs: (after.cpuUs - before.cpuUs) / calls, p50, p99, ...reload },
      residentMb: usedBy([server.pid]).residentBytes / 1e6,
    };
    tell(
      `bench-scale: round ${round + 1} of ${rounds}, ${nameOf(server.size)}: ${found.cpuUs.toFixed(0)} us a decision`,
    );
    return found;
  });
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

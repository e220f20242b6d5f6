/**
 * How much CPU a call may take of a server on grpc-js that is one process, before its 99th percentile is longer than the
 * peer's at the same offered load: half of what the peer can do at most. Servers that let everything through, after so much work
 * that means nothing, and the peer are loaded in turn:
 *
 *     npx tsx bench/experiments/tail_by_cpu.ts [rounds] [seconds of a run]
 *
 * Needs opa-envoy-plugin, as `make bench` does for (d).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tell } from "../../test/harness/programs.js";
import { allowAll } from "../contenders/allow_all.js";
import { type Contender, startScript } from "../contenders/contender.js";
import { startPeer } from "../contenders/peer.js";
import { type LoadTools, loadOnce } from "../grpc/measure.js";
import { withCleanup } from "../harness/cleanup.js";
import { inRounds, runUpCalls, warmUp } from "../harness/rounds.js";
import { ratiosOf, spreadOf } from "../harness/stats.js";
import { shown, textTable } from "../harness/table.js";
import { findTool, findToolOrTell } from "../harness/tools.js";
import { writeWorkload } from "../harness/workload.js";

/** Objects that are written as JSON and read for each call, one server for each number. */
const works = [0, 4, 8, 12, 16];
const warmUpCalls = 15_000;

const [first, second] = process.argv.slice(2);
if (first === "serve") serve(Number(second));
else await compare(count(first, 5), count(second, 3));

function count(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (Number.isInteger(value) && value > 0) return value;
  console.error("npx tsx bench/experiments/tail_by_cpu.ts [rounds] [seconds of a run]: whole numbers from 1");
  process.exit(2);
}

function serve(objects: number): void {
  const text = JSON.stringify(Array.from({ length: 20 }, (_, n) => ({ n, name: `x${n}`, more: { list: [n, "y"] } })));
  allowAll(() => {
    let characters = 0;
    for (let i = 0; i < objects; i++) characters += JSON.stringify(JSON.parse(text)).length;
    if (characters !== objects * text.length) throw new Error("the work was not done");
  });
}

async function compare(rounds: number, seconds: number): Promise<void> {
  await withCleanup(async (cleanup) => {
    const opa = await findToolOrTell("opa");
    if (opa === undefined) throw new Error("there is nobody to compare with");
    const folder = await mkdtemp(join(tmpdir(), "tail-by-cpu-"));
    cleanup.add(() => rm(folder, { recursive: true }));
    const workload = await writeWorkload(folder);
    const load: LoadTools = { ghz: await findTool("ghz"), workload, dataFile: join(folder, "requests.bin") };
    const peer = await startPeer(opa, workload, cleanup);
    const servers: Contender[] = [];
    for (const work of works) {
      const { address, pid } = await startScript("../experiments/tail_by_cpu.ts", ["serve", String(work)], cleanup);
      servers.push({ key: String(work), name: `grpc-js, ${work} objects a call`, address, pids: [pid] });
    }
    const all = [peer, ...servers];
    let saturation = 0;
    for (const one of all) {
      const perSecond = await warmUp((calls) => loadOnce(one, { calls }, load), { calls: warmUpCalls });
      if (one === peer) saturation = perSecond;
    }
    const offered = Math.round(saturation / 2);
    tell(`${offered} calls a second are offered`);
    const found = await inRounds(all, rounds, async (one, round) => {
      await loadOnce(one, { calls: runUpCalls }, load);
      const figure = await loadOnce(one, { calls: Math.round(offered * seconds), offered }, load);
      tell(`round ${round + 1} ${one.name}: ${figure.cpuUs.toFixed(0)} us CPU, p99 ${figure.p99.toFixed(1)} ms`);
      return figure;
    });
    const of = (one: Contender, figure: "cpuUs" | "p99") => (found.get(one) ?? []).map((found) => found[figure]);
    const toPeer = (one: Contender, figure: "cpuUs" | "p99") => shown(ratiosOf(of(one, figure), of(peer, figure)));
    const rows = all.map((one) => [
      one.name,
      shown(spreadOf(of(one, "cpuUs"))),
      toPeer(one, "cpuUs"),
      toPeer(one, "p99"),
    ]);
    tell(textTable([["server", "us of CPU a call", "CPU to the peer's", "p99 to the peer's"], ...rows]));
  });
}

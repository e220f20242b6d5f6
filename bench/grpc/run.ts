import { join } from "node:path";
import { tell } from "../../test/harness/programs.js";
import { type Contender, startScript } from "../contenders/contender.js";
import { startOurs } from "../contenders/ours.js";
import { startPeer } from "../contenders/peer.js";
import type { Cleanup } from "../harness/cleanup.js";
import type { Options } from "../harness/options.js";
import { inRounds, runUpCalls, warmUp } from "../harness/rounds.js";
import { misunderstandings } from "../harness/same_meaning.js";
import { spreadOf } from "../harness/stats.js";
import type { Workload } from "../harness/workload.js";
import { type Figure, type LoadTools, loadOnce } from "./measure.js";
import { reloadTimes } from "./reload.js";

/** Programs that the gRPC half uses. */
export interface GrpcPrograms {
  ghz: string;
  redis: string;
  /** opa-envoy-plugin, where it is here. */
  opa: string | undefined;
}

/** Everything that was found of one contender, each list in the order of the rounds. */
export interface Found {
  key: string;
  name: string;
  closed: Figure[];
  /** One row for each offered load, of those who had their turn at it. */
  open: { level: number; offered: number; figures: Figure[] }[];
  /** Milliseconds. */
  reloads: number[];
}

/** They show what a signature and what reasons cost; their latencies would say nothing that those of (c) and (d) do not. */
const closedLoopOnly = new Set(["c2", "d2"]);
/** A run need not be longer than this, in seconds; so slow contenders do not hold up the others. */
const enough = 4;
const reloads = 4;

/** The gRPC half: contenders by themselves, without Envoy. */
export async function runGrpc(
  programs: GrpcPrograms,
  { workload, options, cleanup }: { workload: Workload; options: Options; cleanup: Cleanup },
): Promise<Found[]> {
  const contenders = await startContenders(programs, workload, cleanup);
  for (const { key, name, address } of contenders.filter((contender) => contender.key !== "a")) {
    const wrong = await misunderstandings(address, workload);
    if (wrong.length > 0) throw new Error(`(${key}) ${name} does not mean the same: ${wrong.slice(0, 5).join("; ")}`);
  }
  const load: LoadTools = { ghz: programs.ghz, workload, dataFile: join(workload.folder, "requests") };
  const callsOf = new Map<Contender, number>();
  for (const contender of contenders) {
    tell(`bench: warming up (${contender.key}) ${contender.name}`);
    const perSecond = await warmUp((calls) => loadOnce(contender, { calls }, load), contender);
    callsOf.set(contender, Math.min(options.calls, Math.ceil(perSecond * enough)));
  }

  const closed = await inRounds(contenders, options.rounds, async (contender, round) => {
    await loadOnce(contender, { calls: runUpCalls }, load);
    const figure = await loadOnce(contender, { calls: callsOf.get(contender) ?? options.calls }, load);
    say(round, contender, `closed loop ${figure.cpuUs.toFixed(0)} us CPU, ${figure.perSecond.toFixed(0)} a second`);
    return figure;
  });

  const saturated = contenders.find(({ key }) => key === "d") ?? contenders.find(({ key }) => key === "c");
  const saturation = spreadOf((saturated ? closed.get(saturated) : undefined)?.map(({ perSecond }) => perSecond) ?? []);
  const found = contenders.map(
    (contender): Found => ({
      ...{ key: contender.key, name: contender.name, closed: closed.get(contender) ?? [] },
      open: [],
      reloads: [],
    }),
  );
  const paced = contenders.filter(({ key }) => !closedLoopOnly.has(key));
  for (const level of options.levels) {
    const offered = saturation.median * level;
    const calls = Math.max(1, Math.round(offered * options.seconds));
    const figures = await inRounds(paced, options.rounds, async (contender, round) => {
      await loadOnce(contender, { calls: runUpCalls }, load);
      const figure = await loadOnce(contender, { calls, offered }, load);
      say(round, contender, `${offered.toFixed(0)} a second offered: p99 ${figure.p99.toFixed(1)} ms`);
      return figure;
    });
    for (const [i, contender] of contenders.entries()) {
      const of = figures.get(contender);
      if (of) found[i]?.open.push({ level, offered, figures: of });
    }
  }
  for (const [i, contender] of contenders.entries()) {
    // All of one program reload alike.
    if (contender.key.length === 1) found[i]?.reloads.push(...(await reloadTimes(contender, workload, reloads)));
  }
  return found;
}

async function startContenders(programs: GrpcPrograms, workload: Workload, cleanup: Cleanup): Promise<Contender[]> {
  const script = async (key: string, name: string, file: string, args: string[]): Promise<Contender> => {
    const { address, pid } = await startScript(file, args, cleanup);
    return { key, name, address, pids: [pid] };
  };
  const sink = await startScript("sink.ts", [], cleanup);
  const full = { redisProgram: programs.redis, collector: `http://${sink.address}`, cleanup };
  return [
    await script("a", "constant allow on grpc-js", "floor.ts", []),
    await script("b", "ours, policy only", "policy_only.ts", [workload.folder]),
    await startOurs(workload, { key: "c", name: "ours, full, HMAC-SHA-256 records", auditKey: "oct", ...full }),
    await startOurs(workload, { key: "c2", name: "ours, full, Ed25519 records", auditKey: "OKP", ...full }),
    await startOurs(workload, { key: "cw", name: "ours as (c), two workers", auditKey: "oct", workers: 2, ...full }),
    ...(programs.opa === undefined
      ? []
      : [await startPeer(programs.opa, workload, cleanup), await startPeer(programs.opa, workload, cleanup, "d2")]),
  ];
}

function say(round: number, { key }: Contender, what: string): void {
  tell(`bench: round ${round + 1} (${key}) ${what}`);
}

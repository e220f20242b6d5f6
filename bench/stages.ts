/**
 * `make bench-stages`: what each stage of one decision costs, in CPU of this process. A real server on a real Redis answers
 * calls of many agents first; what each stage was asked then, it is asked again many times.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Stages } from "../src/pipeline.js";
import { redisProgram } from "../test/harness/find_redis.js";
import { startRedisServer } from "../test/harness/redis.js";
import { built } from "./contenders/built.js";
import { askerOf } from "./harness/ask.js";
import { publish } from "./harness/results.js";
import { inRounds } from "./harness/rounds.js";
import { spreadOf } from "./harness/stats.js";
import { shown } from "./harness/table.js";
import { allowedCall, checkOf, issuerUrl, writeWorkload } from "./harness/workload.js";

const usage = `make bench-stages [ROUNDS=7] [CALLS=4000]

Prints what each stage of a decision costs in CPU of this process; see bench/README.md.
`;

/** Calls whose arguments are kept, and calls that wait at the same time, as on a busy server. */
const kept = 400;
const inFlight = 16;
const agents = 50;

/** Names of the stages as they come, and what each is asked. */
const order = ["read", "identify", "decode", "attest", "recall", "evaluate", "settle", "decide", "record", "respond"];
type Run = (...args: unknown[]) => unknown;

const { values } = parseArgs({
  options: { rounds: { type: "string" }, calls: { type: "string" }, help: { type: "boolean", short: "h" } },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const rounds = Number(values.rounds || 7);
const calls = Number(values.calls || 4_000);
if (![rounds, calls].every((value) => Number.isInteger(value) && value > 0)) throw new RangeError(usage);

const { startServer } = await built<typeof import("../src/server.js")>("server.js");
const { loadConfig } = await built<typeof import("../src/config/load.js")>("config/load.js");
const { stages } = await built<typeof import("../src/pipeline.js")>("pipeline.js");
const { loadProtos } = await built<typeof import("../src/grpc/load_protos.js")>("grpc/load_protos.js");
const { generateKey, writeKeyFile } = await built<typeof import("../src/keys/keys.js")>("keys/keys.js");

const folder = await mkdtemp(join(tmpdir(), "countersign-stages-"));
const redis = await startRedisServer(await redisProgram());
const workload = await writeWorkload(folder, { agents });
await writeKeyFile(join(folder, "var", "audit.jwk"), generateKey("oct", "audit"));
const file = join(folder, "countersign.yaml");
const config = {
  listen: { grpc: "127.0.0.1:0", http: "127.0.0.1:0" },
  store: redis.url,
  identity: { issuer: { url: issuerUrl, key_file: "./var/issuer.jwk" } },
  telemetry: { log: "off" },
};
await writeFile(file, JSON.stringify(config), { mode: 0o640 });

/** What each stage was asked, newest last. */
const asked = new Map<string, unknown[][]>(order.map((name) => [name, []]));
const watched = Object.fromEntries(
  Object.entries(stages).map(([name, run]) => [
    name,
    (...args: unknown[]) => {
      const seen = asked.get(name);
      if (seen && seen.length < kept) seen.push(args);
      return (run as Run)(...args);
    },
  ]),
) as unknown as Stages;

const server = await startServer(loadConfig(file), { stages: watched });
try {
  await published(await measured());
} finally {
  await server.stop();
  await redis.stop();
  await rm(folder, { recursive: true });
}

/** Microseconds of each stage, one figure a round. */
async function measured(): Promise<Map<Piece, number[]>> {
  const checks = Array.from({ length: kept }, (_, n) => checkOf(allowedCall(workload, n)));
  const asker = askerOf(server.grpc);
  for (const check of checks)
    if (!(await asker.allows(check))) throw new Error("a call that policies allow was refused");
  asker.close();
  const protos = loadProtos();
  const bytes = checks.map((check) => protos.encodeRequest(check));
  const answers = await Promise.all((asked.get("respond") ?? []).map((args) => (stages.respond as Run)(...args)));
  const pieces: Piece[] = [
    { name: "bytes to request", run: (n) => protos.decodeRequest(at(bytes, n)) },
    ...order.map((name) => ({ name, run: again(name) })),
    { name: "answer to bytes", run: (n) => protos.encodeResponse(at(answers, n) as never) },
  ];
  for (const piece of pieces) await cpuOf(piece);
  return inRounds(pieces, rounds, cpuOf);
}

interface Piece {
  name: string;
  run: (n: number) => unknown;
}

/** The stage, asked what it was asked before; a call that was settled is settled as another one. */
function again(name: string): Piece["run"] {
  const seen = asked.get(name) ?? [];
  if (seen.length === 0) throw new Error(`no call came to the stage ${name}`);
  const run = stages[name as keyof Stages] as unknown as Run;
  let serial = 0;
  return (n) => {
    const [first, ...rest] = at(seen, n);
    if (name !== "settle") return run(first, ...rest);
    return run({ ...(first as object), requestId: `again-${serial++}` }, ...rest);
  };
}

function at<T>(list: readonly T[], n: number): T {
  return list[n % list.length] as T;
}

async function cpuOf({ run }: Piece): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < calls; n += inFlight) {
    const waiting: unknown[] = [];
    for (let i = 0; i < inFlight; i++) waiting.push(run(n + i));
    await Promise.all(waiting);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

async function published(found: Map<Piece, number[]>): Promise<void> {
  const rows = [...found].map(([{ name }, us]) => ({ name, us: spreadOf(us) }));
  const sum = rows.reduce((all, { us }) => all + us.median, 0);
  const table = rows.map(({ name, us }) => [name, shown(us, 1), `${((100 * us.median) / sum).toFixed(0)} %`]);
  const title = `A stage of an allowed call, ${inFlight} calls at once: microseconds of CPU, and its share of all stages`;
  const all = [["stage", "us CPU", "share"], ...table, ["all", sum.toFixed(1), "100 %"]];
  await publish("stages", [{ title, rows: all }], { rounds, calls, stages: rows });
}

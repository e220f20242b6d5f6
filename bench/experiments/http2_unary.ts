/**
 * What a server of Check on bare `node:http2`, with gRPC's framing made by hand, would save against grpc-js. Both let everything
 * through without looking, in processes of their own, and are loaded in turn:
 *
 *     npx tsx bench/experiments/http2_unary.ts [rounds] [calls]
 *
 * An experiment and no way to serve: it has no limits, no deadlines, no compression and no draining.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadProtos } from "../../src/grpc/load_protos.js";
import { tell } from "../../test/harness/programs.js";
import { startScript } from "../contenders/contender.js";
import { usedBy } from "../harness/accounting.js";
import { withCleanup } from "../harness/cleanup.js";
import { runGhz } from "../harness/ghz.js";
import { writeRequests } from "../harness/requests.js";
import { inRounds, warmUp } from "../harness/rounds.js";
import { ratiosOf, spreadOf } from "../harness/stats.js";
import { shown, textTable } from "../harness/table.js";
import { findTool } from "../harness/tools.js";
import { writeWorkload } from "../harness/workload.js";

const [first, ...rest] = process.argv.slice(2);
if (first === "serve") serve();
else await compare(Number(first ?? 5), Number(rest[0] ?? 10_000));

/** gRPC over HTTP/2 as its specification says: one byte of flags and four of length before each message, the status behind. */
function serve(): void {
  const message = loadProtos().method.responseSerialize({ status: { code: 0 }, ok_response: { headers: [] } });
  const answer = Buffer.alloc(5 + message.length);
  answer.writeUInt32BE(message.length, 1);
  message.copy(answer, 5);
  const server = createServer();
  server.on("stream", (stream) => {
    const parts: Buffer[] = [];
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => {
      // What a server cannot do without: one whole message.
      const asked = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      if (asked.length < 5 || asked[0] !== 0 || asked.readUInt32BE(1) !== asked.length - 5) stream.close();
      else respond(stream, answer);
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(`ready on 127.0.0.1:${(server.address() as AddressInfo).port}`));
  process.once("SIGTERM", () => process.exit(0));
}

function respond(stream: ServerHttp2Stream, answer: Buffer): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": 0 }));
  stream.end(answer);
}

async function compare(rounds: number, calls: number): Promise<void> {
  await withCleanup(async (cleanup) => {
    const ghz = await findTool("ghz");
    const folder = await mkdtemp(join(tmpdir(), "http2-unary-"));
    cleanup.add(() => rm(folder, { recursive: true }));
    const dataFile = join(folder, "requests.bin");
    await writeRequests(dataFile, await writeWorkload(folder), calls);
    const contenders = [
      { name: "grpc-js", ...(await startScript("floor.ts", [], cleanup)) },
      { name: "node:http2", ...(await startScript("../experiments/http2_unary.ts", ["serve"], cleanup)) },
    ];
    type Running = (typeof contenders)[number];
    const load = async ({ address, pid, name }: Running, count: number) => {
      const before = usedBy([pid]).cpuUs;
      const { failed, perSecond } = await runGhz({ ghz, addresses: [address], dataFiles: [dataFile], calls: count });
      if (failed > 0) throw new Error(`${name} did not answer ${failed} calls`);
      return { perSecond, cpuUs: (usedBy([pid]).cpuUs - before) / count };
    };
    for (const contender of contenders) await warmUp((count) => load(contender, count), { calls: 15_000 });
    const found = await inRounds(contenders, rounds, (contender) => load(contender, calls));
    const cpu = contenders.map((contender) => (found.get(contender) ?? []).map(({ cpuUs }) => cpuUs));
    const [floor = []] = cpu;
    const rows = contenders.map(({ name }, n) => [
      name,
      shown(spreadOf(cpu[n] ?? []), 1),
      shown(ratiosOf(cpu[n] ?? [], floor)),
    ]);
    tell(textTable([["server", "us of CPU a call", "to grpc-js"], ...rows]));
  });
}

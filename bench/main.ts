/** `make bench`: authorizers side by side, by themselves and behind Envoy. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEnvoy } from "../test/harness/find_envoy.js";
import { tell } from "../test/harness/programs.js";
import { chainRatios, chainRows } from "./envoy/report.js";
import { type ChainFound, runEnvoy } from "./envoy/run.js";
import { closedRows, openRows, ratioRows, ratios } from "./grpc/report.js";
import { type Found, runGrpc } from "./grpc/run.js";
import { type Cleanup, withCleanup } from "./harness/cleanup.js";
import { type Options, readOptions, usage } from "./harness/options.js";
import { publish, type Section } from "./harness/results.js";
import { findTool, findToolOrTell } from "./harness/tools.js";
import { defaultSize, writeWorkload } from "./harness/workload.js";

function asked(): Options {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options !== "help") return options;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

async function measure(options: Options, cleanup: Cleanup): Promise<{ grpc: Found[]; envoy: ChainFound[] }> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const redis = await findTool("redis");
  const opa = await findToolOrTell("opa");
  const workload = await writeWorkload(folder, defaultSize);
  let [grpc, envoy]: [Found[], ChainFound[]] = [[], []];
  if (options.only !== "envoy") {
    const part = cleanup.part();
    grpc = await runGrpc({ ghz: await findTool("ghz"), redis, opa }, { workload, options, cleanup: part });
    await part.run();
  }
  if (options.only !== "grpc") {
    const [fortio, program] = [await findTool("fortio"), await findEnvoy()];
    const ratelimit = await findToolOrTell("ratelimit");
    const assembled = opa !== undefined && ratelimit !== undefined ? { opa, ratelimit } : undefined;
    const part = cleanup.part();
    envoy = await runEnvoy({ fortio, envoy: program, redis, assembled }, { workload, options, cleanup: part });
    await part.run();
  }
  return { grpc, envoy };
}

const options = asked();
const started = performance.now();
await withCleanup(async (cleanup) => {
  const { grpc, envoy } = await measure(options, cleanup);
  const all = [...(grpc.length > 0 ? ratios(grpc) : []), ...(envoy.length > 0 ? chainRatios(envoy) : [])];
  const sections: Section[] = [
    { title: "Ratios, of the same round", rows: ratioRows(all) },
    ...(grpc.length === 0
      ? []
      : [
          { title: "Asked over gRPC, each caller waiting for its answer", rows: closedRows(grpc) },
          { title: "Asked over gRPC, at equal offered load", rows: openRows(grpc) },
        ]),
    ...(envoy.length === 0 ? [] : [{ title: "Through Envoy", rows: chainRows(envoy) }]),
  ];
  await publish("bench", sections, { options, ratios: all, grpc, envoy });
  tell(`bench: took ${((performance.now() - started) / 60_000).toFixed(1)} minutes`);
});

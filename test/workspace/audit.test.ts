import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pino } from "pino";
import { openWriter } from "../../src/audit/writer.js";
import { policyHistory } from "../../src/history/history.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { policyAudit } from "../../src/workspace/audit.js";
import { FaultyDisk } from "../audit/faulty_disk.js";
import { auditRecords } from "../harness/records.js";
import { agentsOf, policyOf, program, toolsOf, watch } from "./fixture.js";

const key = await signingKeyOf(generateKey("OKP", "audit"));
const now = Date.parse("2026-03-02T09:30:00Z");

async function start() {
  const dir = await mkdtemp(join(tmpdir(), "countersign-loads-"));
  const disk = new FaultyDisk();
  const audit = await openWriter({ dir, worker: 1, key, durability: "write", openSegment: disk.open });
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const metrics = createMetrics();
  const runtime = { now: () => now };
  const onTrouble = (error: Error) => void lines.push({ msg: error.message });
  const place = { dir: join(dir, "..", `${basename(dir)}-history`), keep: 5 };
  let written = async (): Promise<void> => {};
  const here = await watch((sources) => {
    const history = policyHistory({ ...place, files: sources.policies, program, runtime, onTrouble });
    written = history.written;
    const loading = policyAudit({ audit, history, log, metrics, runtime });
    return { sources: { ...sources, policies: history.source }, ...loading };
  });
  return {
    ...here,
    disk,
    lines,
    version: () => here.watched.current().policies.version,
    records: async () =>
      (await auditRecords(dir)).map(({ kind, timestamp, event, policy_version, previous_version, files, detail }) => {
        return { kind, timestamp, event, policy_version, previous_version, files, detail };
      }),
    counted: async () => (await metrics.text()).split("\n").filter((line) => /^countersign_(loads|policy)/.test(line)),
    async stop() {
      await here.stop();
      await audit.close();
      await written();
      for (const folder of [dir, place.dir]) await rm(folder, { recursive: true });
    },
  };
}

const common = { kind: "policy", timestamp: "2026-03-02T09:30:00.000Z" };
const loaded = (version: string, previous: string | null, ...files: string[]) => {
  return { ...common, event: "loaded", policy_version: version, previous_version: previous, files, detail: null };
};

test("every load and every refusal of policies is on record, in the log and in the metrics", async () => {
  const here = await start();
  const first = here.version();
  await here.write("policies/b.yaml", policyOf("b"));
  await here.watched.refresh();
  const second = here.version();
  await here.write("policies/b.yaml", "agent: b\nactoins: []\nactions: []\n");
  await here.watched.refresh();
  await here.watched.refresh();
  const detail = "b.yaml:2:10: actoins: unknown key";
  expect(await here.records()).toEqual([
    loaded(first, null, "a.yaml"),
    loaded(second, first, "a.yaml", "b.yaml"),
    { ...common, event: "refused", policy_version: null, previous_version: second, files: [], detail },
  ]);
  expect(here.lines).toEqual([
    { level: 30, part: "policies", policy_version: second, msg: "files loaded" },
    { level: 50, part: "policies", problems: [detail], msg: "files refused; the last good ones go on" },
  ]);
  expect(await here.counted()).toEqual([
    'countersign_loads_total{part="policies",result="loaded"} 2',
    'countersign_loads_total{part="policies",result="refused"} 1',
    ...["catalogue", "agents", "people"].flatMap((part) => [
      `countersign_loads_total{part="${part}",result="loaded"} 1`,
      `countersign_loads_total{part="${part}",result="refused"} 0`,
    ]),
    `countersign_policy_info{version="${second}"} 1`,
  ]);
  await here.stop();
});

test("of tools and agents there is no policy record", async () => {
  const here = await start();
  await here.write("tools.yaml", toolsOf("u"));
  await here.write("agents.yaml", 'agents: [{id: a, spiffe: ["spiffe://x/y"]}]\n');
  await here.watched.refresh();
  await here.write("tools.yaml", "tools: 1\n");
  await here.watched.refresh();
  expect(await here.records()).toHaveLength(1);
  expect(here.lines.map(({ msg }) => msg)).toEqual([
    "files loaded",
    "files loaded",
    "files refused; the last good ones go on",
  ]);
  await here.stop();
});

test("while records cannot be written, new policies wait; other files and the process go on", async () => {
  const here = await start();
  const first = here.version();
  here.disk.fail("append", "ENOSPC", { times: 1_000 });
  await here.write("policies/a.yaml", policyOf("b"));
  await here.write("agents.yaml", agentsOf("a", "b"));
  for (let i = 0; i < 3; i++) await here.watched.refresh();
  expect(here.inForce()).toMatchObject({ policies: ["a"], agents: ["a", "b"] });
  expect(here.watched.trouble()).toEqual({ policies: "the record could not be written" });
  const logged = (wanted: number) => here.lines.filter(({ level }) => level === wanted).map(({ msg }) => msg);
  expect(logged(50)).toEqual(["files refused; the last good ones go on", "the refusal could not be recorded"]);
  expect(logged(30)).toEqual(["files loaded"]);

  here.disk.heal();
  await here.watched.refresh();
  expect(here.inForce().policies).toEqual(["b"]);
  expect(here.watched.trouble()).toEqual({});
  expect(await here.records()).toEqual([loaded(first, null, "a.yaml"), loaded(here.version(), first, "a.yaml")]);
  await here.stop();
});

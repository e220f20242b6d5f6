import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pino } from "pino";
import type { AuditSink } from "../../src/audit/record.js";
import { openWriter } from "../../src/audit/writer.js";
import { type PolicyHistory, policyHistory } from "../../src/history/history.js";
import { type PolicyVersions, policyVersions } from "../../src/history/service.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { loadProgram, type Program } from "../../src/policies/program.js";
import { systemRuntime } from "../../src/runtime.js";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.js";
import { policyAudit } from "../../src/workspace/audit.js";
import { openPolicies } from "../../src/workspace/policies.js";
import { workspaceSources } from "../../src/workspace/sources.js";
import { type WatchedWorkspace, watchWorkspace } from "../../src/workspace/watch.js";
import { FaultyDisk } from "../audit/faulty_disk.js";
import { type AuditLine, auditRecords } from "../harness/records.js";

export const program = loadProgram();
const key = await signingKeyOf(generateKey("OKP", "audit"));

export const policyOf = (replicas: number): string =>
  `agent: a\nactions:\n  - {name: deploy, max_replicas: ${replicas}}\n`;

/** A folder with a user's files, and the folder of their history in it. */
export interface Place {
  folder: string;
  dir: string;
  path(name: string): string;
  write(name: string, text: string): Promise<void>;
  /** Writes the one policy file; the number tells versions apart. */
  policy(replicas: number): Promise<void>;
  /** The version that the files say. */
  versionOf(replicas: number): Promise<string>;
  stop(): Promise<void>;
}

export async function place(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-history-"));
  const path = (name: string): string => join(folder, name);
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(path(name)), { recursive: true });
    await writeFile(path(name), text);
  };
  await write("tools.yaml", 'tools:\n  - {name: t, match: {hosts: [h], path: "/{action}"}, action: "{path.action}"}\n');
  await write("agents.yaml", "agents: [{id: a}]\n");
  await write("people.yaml", "people: []\n");
  const policy = (replicas: number): Promise<void> => write("policies/a.yaml", policyOf(replicas));
  await policy(1);
  return {
    folder,
    dir: path("var/policies"),
    path,
    write,
    policy,
    async versionOf(replicas) {
      await write("other/a.yaml", policyOf(replicas));
      return (await openPolicies(path("other"), { program, mode: "enforce" })).version;
    },
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What a server does with policies, without calls. */
export interface Running {
  workspace: WatchedWorkspace;
  history: PolicyHistory;
  versions: PolicyVersions;
  audit: AuditSink;
  disk: FaultyDisk;
  metrics: Metrics;
  log: Record<string, unknown>[];
  current(): string;
  /** Looks at the files, and waits until what came of it is written down. */
  look(): Promise<void>;
  /** The policy records so far. */
  records(): Promise<AuditLine[]>;
  stop(): Promise<void>;
}

interface Options {
  keep?: number;
  worker?: number;
  program?: Program;
  /** Another place of the policies than the folder. */
  policies?: string;
}

export async function start(here: Place, options: Options = {}): Promise<Running> {
  const { keep = 50, worker = 1, program: own = program, policies = here.path("policies") } = options;
  const disk = new FaultyDisk();
  const auditDir = here.path(`audit-${worker}`);
  await mkdir(auditDir, { recursive: true });
  const audit = await openWriter({ dir: auditDir, worker, key, durability: "write", openSegment: disk.open });
  const log: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const metrics = createMetrics();
  const paths = {
    policies,
    tools: here.path("tools.yaml"),
    agents: here.path("agents.yaml"),
    people: here.path("people.yaml"),
  };
  const sources = await workspaceSources(paths, { program: own, mode: "enforce", runtime: systemRuntime });
  const history = policyHistory({
    dir: here.dir,
    keep,
    files: sources.policies,
    program: own,
    runtime: systemRuntime,
    onTrouble: (error) => log.push({ history: error.message }),
  });
  const workspace = await watchWorkspace({
    sources: { ...sources, policies: history.source },
    ...policyAudit({ audit, history, log: logger, metrics, runtime: systemRuntime }),
    // Tests look when they are ready.
    intervalMs: 3_600_000,
  }).catch(async (error) => {
    await audit.close();
    throw error;
  });
  await history.written();
  return {
    workspace,
    history,
    versions: policyVersions({ dir: here.dir, history, workspace, program: own, runtime: systemRuntime }),
    audit,
    disk,
    metrics,
    log,
    current: () => workspace.current().policies.version,
    async look() {
      await workspace.refresh();
      await history.written();
    },
    records: async () => (await auditRecords(auditDir)).filter(({ kind }) => kind === "policy"),
    async stop() {
      await workspace.close();
      await history.written();
      await audit.close();
    },
  };
}

/** Lines of the history as they stand in its file. */
export async function lines(here: Place): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(here.dir, "history.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Document, parse, parseDocument } from "yaml";
import { heapAtRest } from "../../src/heap_at_rest.js";
import { deploy } from "../demo/steps.js";
import type { EnvoyConfig } from "../harness/envoy.js";
import { type Answer, send } from "../harness/http.js";
import { describeWith } from "../harness/parts.js";
import { freePort, startProcess } from "../harness/process.js";
import { repository } from "../harness/programs.js";
import type { AuditLine } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { findParts } from "./suite.js";

const found = await findParts();
const workers = [1, 2, 3];
const shipped = parse(await readFile(join(repository, "envoy", "reverse-proxy-workers.yaml"), "utf8")) as EnvoyConfig;
const clusterOf = ({ static_resources: { clusters } }: EnvoyConfig) =>
  clusters.findIndex(({ name }) => name === "countersign");

/** The processes that a process has started and that have not ended. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(" ").filter(Boolean).map(Number);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** How often Envoy has taken the endpoint of a worker out because a call found nobody there. */
async function ejections({ envoy }: Stack): Promise<number> {
  const stat = "cluster.countersign.outlier_detection.ejections_enforced_total";
  const { body } = await send(`${envoy.adminUrl}/stats?filter=${encodeURIComponent(`^${stat}$`)}`);
  return Number(/: (\d+)/.exec(body)?.[1]);
}

describeWith(found, "three workers behind Envoy", (use) => {
  let stack: Stack;
  let sockets: string;
  const admin = `cst_${randomBytes(24).toString("base64url")}`;

  /** What each worker has recorded of a kind. */
  async function recorded(kind: string): Promise<AuditLine[][]> {
    const audit = join(stack.folder, "var", "audit");
    const folders = await readdir(audit);
    return Promise.all(
      workers.map(async (worker) => {
        const own = folders.filter((name) => name.startsWith(`w${worker}-`) && !name.includes("."));
        expect(own).toHaveLength(1);
        const folder = join(audit, String(own[0]));
        const files = (await readdir(folder)).filter((name) => name.endsWith(".jsonl")).sort();
        const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
        const lines = texts
          .flatMap((text) => text.split("\n").filter(Boolean))
          .map((line): AuditLine => JSON.parse(line));
        return lines.filter((line) => line.kind === kind);
      }),
    );
  }

  const state = async () => JSON.parse((await stack.ask(admin, "/readyz")).body).state;
  const allWell = () =>
    until(async () => Object.keys((await state()).workers).length === 0, { what: "all workers", timeoutMs: 60_000 });
  const sum = async (metric: RegExp): Promise<number> => {
    const { body } = await stack.ask(admin, "/metrics");
    return body
      .split("\n")
      .filter((line) => metric.test(line))
      .reduce((all, line) => all + Number(line.split(" ").at(-1)), 0);
  };

  beforeAll(async () => {
    const { program, redis } = use();
    sockets = await mkdtemp(join(tmpdir(), "countersign-workers-"));
    const ports = { envoy: 0, grpc: await freePort(), http: await freePort() };
    const second = await freePort();
    const third = join(sockets, "3.sock");
    stack = await startStack({
      store: redis.url,
      envoyProgram: program,
      ports,
      edit: async (folder) => {
        const file = join(folder, "countersign.yaml");
        const config = parseDocument(await readFile(file, "utf8")) as Document;
        config.setIn(["workers"], workers.length);
        // Where many tests share few cores an answer may take longer than it should elsewhere.
        config.setIn(["store_timeout"], "5s");
        config.setIn(["listen", "grpc"], [`127.0.0.1:${ports.grpc}`, `127.0.0.1:${second}`, `unix:${third}`]);
        await writeFile(file, config.toString());
        const people = join(folder, "people.yaml");
        const sha256 = createHash("sha256").update(admin).digest("hex");
        const more = `  - {id: ada@example.com, access: [admin], tokens: [{sha256: "${sha256}"}]}\n`;
        await writeFile(people, `${await readFile(people, "utf8")}${more}`);
      },
      editEnvoy: (config) => {
        const cluster = structuredClone(shipped.static_resources.clusters[clusterOf(shipped)]);
        if (!cluster) throw new Error("the shipped configuration asks nobody");
        const tcp = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });
        const addresses = [tcp(ports.grpc), tcp(second), { pipe: { path: third } }];
        cluster.load_assignment.endpoints = [{ lb_endpoints: addresses.map((address) => ({ endpoint: { address } })) }];
        config.static_resources.clusters[clusterOf(config)] = cluster;
      },
    });
    await allWell();
  });
  afterAll(async () => {
    await stack?.stop();
    await use().redis.stop();
    await rm(sockets, { recursive: true, force: true });
  });

  test("they say once that they are ready, and where", () => {
    const line = /^countersign is ready: grpc \S+:\d+, \S+:\d+, unix:\S+, http \S+, policies sha256:[0-9a-f]{64}$/gm;
    expect(stack.server.stdout().match(line)).toHaveLength(1);
  });

  test("each keeps the memory that it needs under load while it rests", async () => {
    const pids = await childrenOf(stack.server.pid);
    const flags = pids.map(async (pid) => (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0"));
    expect(pids).toHaveLength(workers.length);
    for (const own of await Promise.all(flags)) expect(own).toContain(heapAtRest);
  });

  test("calls reach all of them, are counted once, and their ends belong to their decisions", async () => {
    const answers: Answer[] = [];
    for (let n = 0; n < 60; n++) answers.push(await stack.call("deploy-manager", deploy("staging")));
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
    const decisions = await recorded("decision");
    expect(decisions.flat()).toHaveLength(60);
    for (const own of decisions) expect(own.length).toBeGreaterThan(0);
    expect(await sum(/^countersign_decisions_total{/)).toBe(60);
    expect(await sum(/^countersign_worker_up{/)).toBe(3);
    const numbers = JSON.parse((await stack.ask(admin, "/v1/dashboard")).body);
    expect([numbers.totals.decisions, numbers.agents]).toEqual([60, []]);
    const outcomes = await until(
      async () => {
        const all = (await recorded("outcome")).flat();
        return all.length === 60 && all;
      },
      { what: "all ends" },
    );
    expect(await sum(/^countersign_outcomes_total{result="unlinked"/)).toBe(0);
    expect(new Set(outcomes.map(({ decision_id }) => decision_id)).size).toBe(60);
    for (const { session_id } of outcomes) expect(session_id).not.toBeNull();
  });

  test("a limit holds for all of them together", async () => {
    const poll = { host: "reports.internal", path: "/v1/poll" };
    const answers = await Promise.all(Array.from({ length: 30 }, () => stack.call("reporter", poll)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(3).fill(200), ...Array(27).fill(429)]);
  });

  test("the log level changes everywhere, on record once", async () => {
    const headers = { authorization: `Bearer ${admin}`, "content-type": "application/json" };
    const body = JSON.stringify({ level: "debug", for: "10m" });
    expect(await send(`${stack.api}/v1/log`, { method: "PUT", headers, body })).toMatchObject({ status: 200 });
    const changed = () => stack.server.stdout().match(/^.*the log level has changed.*\n/gm) ?? [];
    await until(() => changed().length >= workers.length, { what: "their lines, which come through a pipe" });
    expect(
      changed()
        .map((line) => JSON.parse(line).worker)
        .sort(),
    ).toEqual(workers);
    expect((await recorded("admin")).flat()).toHaveLength(1);
  });

  test("going back is done everywhere before it is answered", async () => {
    const file = join(stack.folder, "policies", "deploy-manager.yaml");
    const before = (await state()).policy_version;
    await writeFile(file, (await readFile(file, "utf8")).replace("max_replicas: 50", "max_replicas: 2"));
    await until(async () => (await recorded("policy")).every((own) => own.length === 2), { what: "the new policies" });
    expect((await stack.ask(admin, "/v1/policies/rollback", { version: before })).status).toBe(200);
    for (const own of await recorded("policy")) {
      expect(own.at(-1)).toMatchObject({ event: "rolled_back", policy_version: before });
    }
    expect(await state()).toMatchObject({ policy_version: before, workers: {} });
    const history = await readFile(join(stack.folder, "var", "policies", "history.jsonl"), "utf8");
    expect(history.trim().split("\n")).toHaveLength(3);
  });

  test("one that is killed loses no more than what it was asked, and comes back as the others are", async () => {
    const [, killed] = await childrenOf(stack.server.pid);
    let isOver = false;
    const answers: number[] = [];
    const before = await ejections(stack);
    const calling = (async () => {
      while (!isOver) answers.push((await stack.call("deploy-manager", deploy("staging"))).status);
    })();
    process.kill(Number(killed), "SIGKILL");
    await until(async () => "2" in (await state()).workers, { what: "its absence" });
    await allWell();
    isOver = true;
    await calling;
    expect(answers.length).toBeGreaterThan(10);
    // One was asked in that moment; each other one found nobody there, and nobody was sent there for a while after it.
    expect(answers.filter((status) => status !== 200).length).toBeLessThanOrEqual(
      1 + (await ejections(stack)) - before,
    );
    expect((await recorded("policy"))[1]?.at(-1)).toMatchObject({ event: "rolled_back" });
    await until(() => (stack.server.stdout().match(/the log level has changed/g) ?? []).length === 4, {
      what: "the log level of the others",
    });
  });

  test("a worker that is told to end drains, and another takes its place", async () => {
    const [first] = await childrenOf(stack.server.pid);
    process.kill(Number(first), "SIGTERM");
    await until(() => !isRunning(Number(first)), { what: "its end" });
    await allWell();
    expect(stack.server.stdout()).toContain('"code":0,"signal":null');
  });

  test("without the supervisor none of them is left", async () => {
    const left = await childrenOf(stack.server.pid);
    stack.server.signal("SIGKILL");
    await until(() => !left.some(isRunning), { what: "the end of all" });
    await stack.restartServer();
    await allWell();
  });

  test("all drain at once, and what they recorded verifies together", async () => {
    const calls = Promise.all(Array.from({ length: 30 }, () => stack.call("deploy-manager", deploy("staging"))));
    stack.server.signal("SIGTERM");
    const answers = await calls;
    expect(await stack.server.ended).toEqual({ code: 0, signal: null });
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(30 - passed);
    const [audit, key] = [join(stack.folder, "var", "audit"), join(stack.folder, "var", "audit.jwk")];
    const { code, stdout } = await stack.countersign("audit", "verify", audit, "--key", key);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("w3-") });
  });

  test("what is wrong with the files is said once", async () => {
    await writeFile(join(stack.folder, "tools.yaml"), "tools: [{name: a}]\n");
    const args = [join(repository, "dist", "cli.js"), "serve", "--config", stack.config];
    const server = await startProcess({
      name: "countersign",
      command: process.execPath,
      args,
      env: { NODE_OPTIONS: "" },
    });
    expect((await server.ended).code).toBe(2);
    expect(server.stderr()).toBe(
      "countersign: tools.yaml:1:9: tools[0].match: missing: expected a map\ntools.yaml:1:9: tools[0].action: missing: expected a text\n",
    );
    expect(server.stdout()).not.toContain("countersign is ready");
  });
});

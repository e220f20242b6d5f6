import { execFile } from "node:child_process";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { send } from "../harness/http.js";
import { freePort } from "../harness/process.js";
import { auditRecords, writerFolder } from "../harness/records.js";
import { until } from "../harness/until.js";
import { countersign, freePorts, init, serve, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
afterAll(undo);

/** A fresh folder as `init` leaves it. */
async function fresh(name: string) {
  const dir = join(folder, name);
  const { admin_token } = await init(dir);
  return { dir, admin: { authorization: `Bearer ${admin_token}` } };
}

/** A port that somebody else listens on. */
async function takenPort(): Promise<{ port: number; free: () => void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return { port: address.port, free: () => void server.close() };
}

describe("what it cannot serve with, it says, and ends", () => {
  interface Case {
    title: string;
    prepare?: (dir: string) => Promise<unknown>;
    env?: Record<string, string>;
    code: 1 | 2;
    message: string;
  }
  const cases: Case[] = [
    {
      title: "plaintext beyond loopback",
      env: { COUNTERSIGN_LISTEN_GRPC: "0.0.0.0:0" },
      code: 1,
      message:
        "countersign: gRPC without TLS may listen on loopback or a Unix socket only, and 0.0.0.0 is neither: add tls, or listen on 127.0.0.1\n",
    },
    {
      title: "TLS files that are not there",
      env: { COUNTERSIGN_LISTEN_GRPC: '{address: "0.0.0.0:0", tls: {cert_file: a, key_file: b, client_ca_file: c}}' },
      code: 1,
      message: "ENOENT: no such file or directory, open '",
    },
    {
      title: "a missing key file",
      prepare: (dir) => rm(join(dir, "var/issuer.jwk")),
      code: 2,
      message: "var/issuer.jwk:1:1: key file cannot be read: ENOENT",
    },
    {
      title: "a key of another use",
      env: { COUNTERSIGN_AUDIT_KEY_FILE: "var/issuer.jwk" },
      code: 2,
      message: "a key for issuer cannot be the key for audit",
    },
    {
      title: "a missing folder of policies",
      prepare: (dir) => rm(join(dir, "policies"), { recursive: true }),
      code: 2,
      message: "policies:1:1: there are no policies: expected a folder with .yaml or .json files\n",
    },
    {
      title: "a mistake in Rego",
      prepare: (dir) => writeFile(join(dir, "policies/x.rego"), "pakage x"),
      code: 2,
      message: "x.rego:1:1: ",
    },
    {
      title: "a configuration that is no YAML",
      prepare: (dir) => writeFile(join(dir, "countersign.yaml"), "listen: {grpc\n"),
      code: 2,
      message: "countersign.yaml:2:1: ",
    },
    {
      title: "a policy that is no YAML",
      prepare: (dir) => writeFile(join(dir, "policies/deploy-manager.yaml"), "agent: [a\n"),
      code: 2,
      message: "countersign: deploy-manager.yaml:2:1: ",
    },
    {
      title: "bad tools",
      prepare: (dir) => writeFile(join(dir, "tools.yaml"), "tools: [{name: a}]\n"),
      code: 2,
      message: "countersign: tools.yaml:1:9: tools[0].match: missing: expected a map\n",
    },
    {
      title: "missing agents",
      prepare: (dir) => rm(join(dir, "agents.yaml")),
      code: 2,
      message: "agents.yaml:1:1: cannot be read\n",
    },
    {
      title: "an audit folder that is a file",
      prepare: (dir) => writeFile(join(dir, "var/audit"), ""),
      code: 1,
      message: "EEXIST: file already exists, mkdir '",
    },
  ];

  test.each(cases)("$title", async ({ title, prepare, env, code, message }) => {
    const { dir } = await fresh(title.replaceAll(" ", "-"));
    await prepare?.(dir);
    const ran = await countersign(["serve"], { cwd: dir, env: { ...freePorts, ...env } });
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code, stderr: expect.stringContaining(message) });
    expect(ran.stderr.startsWith("countersign: ")).toBe(true);
    expect(ran.stdout).not.toContain("countersign is ready");
  });

  test("a Redis that does not answer, without telling its password", async () => {
    const { dir } = await fresh("redis");
    const port = await freePort();
    const env = { ...freePorts, COUNTERSIGN_STORE: `redis://user:hunter2@127.0.0.1:${port}/0` };
    const { code, stdout, stderr } = await countersign(["serve"], { cwd: dir, env });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `countersign: the Redis server at 127.0.0.1:${port} cannot be used: no connection within 3000 ms: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    );
    expect(stdout).not.toContain("countersign is ready");
    expect(`${stdout}${stderr}`).not.toContain("hunter2");
  });

  test.each(["COUNTERSIGN_LISTEN_GRPC", "COUNTERSIGN_LISTEN_HTTP"])("a port that is taken: %s", async (variable) => {
    const { dir } = await fresh(variable);
    const { port, free } = await takenPort();
    const env = { ...freePorts, [variable]: `127.0.0.1:${port}` };
    const { code, stdout, stderr } = await countersign(["serve"], { cwd: dir, env });
    free();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^countersign: .*EADDRINUSE.*\n$/m);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    expect(stdout).not.toContain("countersign is ready");
  });

  test("records that another process writes", async () => {
    const { dir } = await fresh("twice");
    const { server } = await serve(dir);
    const { code, stderr } = await countersign(["serve"], { cwd: dir, env: freePorts });
    await server.stop();
    expect(code).toBe(1);
    expect(stderr).toContain("w1.lock");
  });
});

describe("while it serves", () => {
  test("it says so once, on one line, when it answers", async () => {
    const { dir } = await fresh("ready");
    const { server, http } = await serve(dir);
    expect((await send(`${http}/readyz`)).status).toBe(200);
    expect(server.stdout().match(/countersign is ready/g)).toHaveLength(1);
    await server.stop();
  });

  test.each([
    ["0.0.0.0:0", 1],
    ["127.0.0.1:0", 0],
  ])("the HTTP API on %s is warned of %d times", async (address, times) => {
    const { dir } = await fresh(`http-${times}`);
    const { server } = await serve(dir, { COUNTERSIGN_LISTEN_HTTP: address });
    await server.stop(); // The log is written beside the ready line, so only the end shows all of it.
    expect(server.stdout().match(/speaks plain HTTP beyond this host/g) ?? []).toHaveLength(times);
  });

  test("a Unix socket is relative to the configuration, and only its owner and group reach it", async () => {
    const { dir } = await fresh("unix");
    const { server, grpc } = await serve(dir, { COUNTERSIGN_LISTEN_GRPC: "unix:c.sock" });
    expect(grpc).toBe(`unix:${join(dir, "c.sock")}`);
    await server.stop();
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s ends it with 0, and its port is free", async (signal) => {
    const { dir } = await fresh(signal);
    const { server, http } = await serve(dir);
    server.signal(signal);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    await expect(send(`${http}/healthz`)).rejects.toThrow("ECONNREFUSED");
    expect(server.stderr()).toBe("");
  });

  test("it keeps the memory that it needs under load while it rests", async () => {
    const { dir } = await fresh("rests");
    const known = (await promisify(execFile)(process.execPath, ["--v8-options"])).stdout;
    // By these V8's memory reducer would begin right behind the first full collection, which comes while the program is read.
    const eager = ["--trace-gc-verbose", "--gc-memory-reducer-start-delay-ms=50"];
    // Where V8 has a flag of its own for what the reducer says, the one above does not make it speak.
    const own = known.includes(" --trace-memory-reducer ") ? ["--trace-memory-reducer"] : [];
    const { server } = await serve(dir, {}, [...eager, ...own]);
    await new Promise((passed) => setTimeout(passed, 500));
    await server.stop();
    expect(server.stdout()).toMatch(/^\[.* ms: Mark-Compact /m);
    expect(server.stdout()).not.toContain("Memory reducer:");
  });

  test("a collector that is away holds up no stop", async () => {
    const { dir } = await fresh("collector");
    const silent = await takenPort();
    const { server } = await serve(dir, { COUNTERSIGN_TELEMETRY_OTLP: `http://127.0.0.1:${silent.port}` });
    const from = performance.now();
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - from).toBeLessThan(9_000);
    silent.free();
  });

  test("log lines are JSON, and `off` leaves only the ready line", async () => {
    const { dir } = await fresh("log");
    const json = await serve(dir);
    await json.server.stop();
    const lines = json.server.stdout().trimEnd().split("\n");
    expect(lines.filter((line) => !line.startsWith("countersign is ready")).map((line) => JSON.parse(line))).toEqual(
      expect.arrayContaining([
        {
          level: "warn",
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          msg: "memory store: limits, approvals, sessions, revoked tokens, and agents that the API registered or disabled are lost at a restart and not shared",
        },
      ]),
    );
    const off = await serve(dir, { COUNTERSIGN_TELEMETRY_LOG: "off" });
    await off.server.stop();
    expect(off.server.stdout()).toMatch(/^countersign is ready: .*\n$/);
  });

  test("a ConfigMap swapped under it takes effect, and is on record", async () => {
    const { dir } = await fresh("configmap");
    const policies = join(dir, "policies");
    const policy = await readFile(join(policies, "deploy-manager.yaml"), "utf8");
    await rm(policies, { recursive: true });
    for (const replicas of [50, 5]) {
      await mkdir(join(policies, `..v${replicas}`), { recursive: true });
      await writeFile(
        join(policies, `..v${replicas}`, "deploy-manager.yaml"),
        policy.replace("max_replicas: 50", `max_replicas: ${replicas}`),
      );
    }
    await symlink("..v50", join(policies, "..data"));
    await symlink("..data/deploy-manager.yaml", join(policies, "deploy-manager.yaml"));
    const { server } = await serve(dir);
    await symlink("..v5", join(policies, "..next"));
    await rename(join(policies, "..next"), join(policies, "..data"));
    const records = await until(
      async () => {
        const all = await auditRecords(join(dir, "var/audit"));
        return all.length === 2 && all;
      },
      { what: "the second load" },
    );
    expect(records.map(({ event }) => event)).toEqual(["loaded", "loaded"]);
    expect(records[1]?.previous_version).toBe(records[0]?.policy_version);
    expect(records[1]?.policy_version).not.toBe(records[0]?.policy_version);
    await server.stop();
  });

  test("a policy that changes while records cannot be written neither takes effect nor ends the server", async () => {
    const { dir, admin } = await fresh("no-records");
    const { server, http } = await serve(dir);
    const state = async () => JSON.parse((await send(`${http}/readyz`, { headers: admin })).body).state;
    const before = (await state()).policy_version;

    const records = await writerFolder(join(dir, "var/audit"));
    await rename(records, join(dir, "aside"));
    const policy = join(dir, "policies/deploy-manager.yaml");
    await writeFile(policy, (await readFile(policy, "utf8")).replace("max_replicas: 50", "max_replicas: 5"));
    const broken = await until(
      async () => {
        const { files, ...rest } = await state();
        return files.policies !== undefined && { files, ...rest };
      },
      { what: "the trouble" },
    );
    expect(broken).toMatchObject({
      policy_version: before,
      files: { policies: "the record could not be written" },
      audit: expect.stringContaining("audit records cannot be written"),
    });
    expect((await send(`${http}/readyz`)).status).toBe(503);

    const errors = () => server.stdout().match(/"level":"error"/g)?.length;
    // The trouble is known before it is told and recorded, and this cannot be recorded either.
    await until(() => errors() === 2, { what: "the log lines" });
    await rename(join(dir, "aside"), records);
    await until(async () => (await state()).policy_version !== before, { what: "the new policies" });
    expect(await state()).toMatchObject({ audit: "ok", files: {} });
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    // Not one line for each time somebody asked whether it is ready.
    expect(errors()).toBe(2);
  });
});

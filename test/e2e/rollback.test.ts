import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deploy } from "../demo/steps.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";

const envoy = await requirePart("Envoy", findEnvoy);
const admin = "cst_admin-of-this-test-0123456789";

describeWith(envoy, "policies that go back while calls are made", (use) => {
  let stack: Stack;
  /** Versions by the replicas that they permit. */
  const versions = new Map<number, string>();

  beforeAll(async () => {
    stack = await startStack({
      store: "memory:",
      envoyProgram: use(),
      edit: async (folder) => {
        const sha256 = createHash("sha256").update(admin).digest("hex");
        const people = await readFile(join(folder, "people.yaml"), "utf8");
        const ada = `  - {id: ada@example.com, access: [admin], tokens: [{sha256: "${sha256}"}]}\n`;
        await writeFile(join(folder, "people.yaml"), `${people}${ada}`);
      },
    });
    await stack.token("deploy-manager");
    versions.set(50, await current());
  });
  afterAll(() => stack?.stop());

  const state = async () => JSON.parse((await stack.ask(admin, "/readyz")).body).state;
  const current = async (): Promise<string> => (await state()).policy_version;
  const audit = () => auditRecords(join(stack.folder, "var", "audit"));
  const changes = async () =>
    (await audit())
      .filter(({ kind }) => kind === "policy")
      .map(({ event, policy_version, by }) => [event, replicasOf(policy_version), ...(by ? [by] : [])]);
  const replicasOf = (version: unknown) => [...versions].find(([, known]) => known === version)?.[0] ?? version;

  async function permit(replicas: number): Promise<void> {
    const path = join(stack.folder, "policies", "deploy-manager.yaml");
    const text = (await readFile(path, "utf8")).replace(/max_replicas: \d+/, `max_replicas: ${replicas}`);
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
    const before = await current();
    await until(async () => (await current()) !== before, { what: "the new policy" });
    versions.set(replicas, await current());
  }

  /** Calls for 10 replicas without a break, until something has been done; gives what they were answered. */
  async function calling<T>(work: () => Promise<T>): Promise<{ result: T; statuses: number[] }> {
    const statuses: number[] = [];
    let going = true;
    const calls = (async () => {
      while (going) statuses.push((await stack.call("deploy-manager", deploy("staging", { replicas: 10 }))).status);
    })();
    const result = await work().finally(() => {
      going = false;
    });
    await calls;
    return { result, statuses };
  }
  const outcome = async () => (await stack.call("deploy-manager", deploy("staging", { replicas: 10 }))).status;

  test("by the command line: calls pass again, and none fails meanwhile", async () => {
    await permit(5);
    expect(await outcome()).toBe(403);
    const { result, statuses } = await calling(async () => {
      const done = await stack.countersign("policy", "rollback", versions.get(50) ?? "", "--config", stack.config);
      await until(async () => (await current()) === versions.get(50), { what: "the server to go back" });
      return done;
    });
    expect([result.code, result.stderr]).toEqual([0, ""]);
    expect(statuses.length).toBeGreaterThan(0);
    expect(statuses.filter((status) => ![200, 403].includes(status))).toEqual([]);
    expect(await outcome()).toBe(200);
    expect((await state()).rolled_back).toMatchObject({ from: versions.get(5), to: versions.get(50) });
  });

  test("it holds after a restart", async () => {
    await stack.restartServer();
    expect(await outcome()).toBe(200);
    const { current, rolled_back } = JSON.parse((await stack.ask(stack.people.viewer, "/v1/policies")).body);
    expect([replicasOf(current), replicasOf(rolled_back.from), rolled_back.by]).toEqual([
      50,
      5,
      expect.stringMatching(/^cli:/),
    ]);
  });

  test("by HTTP: released, gone back to, and ended by a new file", async () => {
    const { statuses } = await calling(async () => {
      const released = await stack.ask(admin, "/v1/policies/release", { reason: "mended" });
      expect([released.status, replicasOf(JSON.parse(released.body).current)]).toEqual([200, 5]);
      expect(await outcome()).toBe(403);
      const back = await stack.ask(admin, "/v1/policies/rollback", { version: versions.get(50) });
      expect([back.status, replicasOf(JSON.parse(back.body).current)]).toEqual([200, 50]);
      expect(await outcome()).toBe(200);
      await permit(8);
      expect(await outcome()).toBe(403);
    });
    expect(new Set(statuses)).toEqual(new Set([200, 403]));
    expect((await state()).rolled_back).toBeNull();
    const refused = await stack.ask(stack.people.viewer, "/v1/policies/rollback", { version: versions.get(50) });
    expect(refused.status).toBe(403);
  });

  test("every change is on record, every decision is by the version that it names, and the chain holds", async () => {
    const records = await audit();
    expect((await changes()).map(([event, replicas]) => [event, replicas])).toEqual([
      ["loaded", 50],
      ["loaded", 5],
      ["rolled_back", 50],
      ["rolled_back", 50],
      ["released", 5],
      ["rolled_back", 50],
      ["loaded", 8],
    ]);
    expect((await changes()).slice(4, 6).map(([, , by]) => by)).toEqual(["ada@example.com", "ada@example.com"]);
    const decisions = records.filter(({ kind }) => kind === "decision");
    expect(decisions.length).toBeGreaterThan(10);
    for (const { decision, opa_decision: opa } of decisions) {
      const { policy_version: version } = opa as { policy_version: string };
      expect([replicasOf(version), decision]).toEqual([
        replicasOf(version),
        replicasOf(version) === 50 ? "allow" : "deny",
      ]);
    }
    const { code } = await stack.countersign(
      "audit",
      "verify",
      join(stack.folder, "var", "audit"),
      "--key",
      join(stack.folder, "var", "audit.jwk"),
    );
    expect(code).toBe(0);
  });
});

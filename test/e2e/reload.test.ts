import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { deploy } from "../demo/steps.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { type Answer, send } from "../harness/http.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";

const envoy = await requirePart("Envoy", findEnvoy);

describeWith(envoy, "files that change under the running server", (use) => {
  let stack: Stack;
  let pid: number;

  beforeAll(async () => {
    stack = await startStack({ store: "memory:", envoyProgram: use() });
    pid = stack.server.pid;
    // The program that issues tokens reads the same files, and would not go on with the last good ones.
    await Promise.all(["deploy-manager", "release-bot", "reporter", "payer"].map((agent) => stack.token(agent)));
  });
  afterAll(() => stack?.stop());
  afterEach(() => {
    expect([stack.server.pid, stack.server.running()]).toEqual([pid, true]);
  });

  const file = (...path: string[]) => join(stack.folder, ...path);
  // In one step, as careful editors do: half a file could be seen, and would be refused on record.
  const save = async (path: string, text: string) => {
    const draft = join(dirname(path), `.${basename(path)}.new`);
    await writeFile(draft, text);
    await rename(draft, path);
  };
  const change = async (path: string, from: string, to: string) => {
    const text = await readFile(path, "utf8");
    expect(text).toContain(from);
    await save(path, text.replace(from, to));
  };
  const append = async (path: string, more: string) => save(path, `${await readFile(path, "utf8")}${more}`);
  const problem = (answer: Answer): Record<string, unknown> => JSON.parse(answer.body);
  const outcome = async (agent: string, request = deploy("staging")) => {
    const answer = await stack.call(agent, request);
    return answer.status === 200 ? "passes" : problem(answer).reason;
  };
  const becomes = (what: string, wanted: unknown, now: () => Promise<unknown>) =>
    until(async () => (await now()) === wanted, { what: `${what} to become ${wanted}` });
  const state = async (): Promise<{ policy_version: string; files: Record<string, string> }> => {
    const answer = await stack.ask(stack.people.viewer, "/readyz");
    expect(answer.status).toBe(200);
    return JSON.parse(answer.body).state;
  };
  const metric = async (name: string): Promise<number> => {
    const { body } = await stack.ask(stack.people.viewer, "/metrics");
    const line = body.split("\n").find((text) => text.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length));
  };
  const refusals = (part: string) => metric(`countersign_loads_total{part="${part}",result="refused"}`);
  const logged = (message: string) =>
    stack.server
      .stdout()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter(({ msg }) => msg === message);
  const policyRecords = async () => (await auditRecords(file("var", "audit"))).filter(({ kind }) => kind === "policy");

  describe("policies", () => {
    let versions: string[];

    test("a changed limit holds at the next call, under a new version", async () => {
      versions = [(await state()).policy_version];
      expect(await outcome("deploy-manager", deploy("staging", { replicas: 10 }))).toBe("passes");
      await change(file("policies", "deploy-manager.yaml"), "max_replicas: 50", "max_replicas: 5");
      const refused = await until(
        async () => {
          const answer = await stack.call("deploy-manager", deploy("staging", { replicas: 10 }));
          return answer.status === 403 && problem(answer);
        },
        { what: "the new limit" },
      );
      expect(refused).toMatchObject({ reason: "max_replicas", violations: [{ limit: 5, actual: 10 }] });
      versions.push((await state()).policy_version);
      expect(refused.policy_version).toBe(versions[1]);
      expect(versions[1]).not.toBe(versions[0]);
      const now = (version: string | undefined) => metric(`countersign_policy_info{version="${version}"}`);
      expect([await now(versions[0]), await now(versions[1])]).toEqual([0, 1]);
    });

    test("a bad file leaves the last good set serving, and everybody who may know is told", async () => {
      await change(
        file("policies", "deploy-manager.yaml"),
        "max_replicas: 5",
        "max_replicas: many\n    allowed_image: []",
      );
      await until(async () => (await state()).files.policies !== undefined, { what: "readiness to tell of it" });
      const { policy_version, files } = await state();
      expect(policy_version).toBe(versions[1]);
      expect(Object.keys(files)).toEqual(["policies"]);
      expect(files.policies).toMatch(/^deploy-manager\.yaml:9:\d+: .*max_replicas/m);
      expect(files.policies).toMatch(/^deploy-manager\.yaml:10:\d+: .*allowed_image\b/m);
      expect((await send(`${stack.api}/readyz`)).body).toBe('{"ready":true}');
      expect(await refusals("policies")).toBe(1);
      const told = () => logged("files refused; the last good ones go on");
      await until(() => told().length > 0, { what: "the log line" });
      expect(told()).toEqual([
        expect.objectContaining({ level: "error", part: "policies", problems: files.policies?.split("\n") }),
      ]);

      // A rule of the same good set still denies, and a call that it allows still passes.
      const denied = problem(await stack.call("deploy-manager", deploy("staging", { replicas: 10 })));
      expect(denied).toMatchObject({ reason: "max_replicas", policy_version: versions[1] });
      expect(await outcome("deploy-manager")).toBe("passes");
    });

    test("told once, however long it stays bad", async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_200)); // More than two looks at the files.
      expect(await refusals("policies")).toBe(1);
      expect((await policyRecords()).filter(({ event }) => event === "refused")).toHaveLength(1);
    });

    test("another part loads meanwhile, and mending the file works", async () => {
      await change(file("people.yaml"), "access: [viewer]", "access: [viewer, auditor]");
      await becomes("the list", 200, async () => (await stack.ask(stack.people.viewer, "/v1/approvals")).status);
      const path = file("policies", "deploy-manager.yaml");
      await change(path, "max_replicas: many\n    allowed_image: []", "max_replicas: 20");
      await becomes("10 replicas", "passes", () => outcome("deploy-manager", deploy("staging", { replicas: 10 })));
      const { policy_version, files } = await state();
      expect(files).toEqual({});
      versions.push(policy_version);
      expect(await outcome("deploy-manager", deploy("staging", { replicas: 30 }))).toBe("max_replicas");
    });

    test("without a policy file the others go on; without the folder all of them", async () => {
      const folder = file("policies");
      await rename(folder, `${folder}.away`);
      await until(async () => (await state()).files.policies?.includes("there are no policies"), {
        what: "the trouble",
      });
      expect(await outcome("deploy-manager")).toBe("passes");
      await rename(`${folder}.away`, folder);
      await until(async () => (await state()).files.policies === undefined, { what: "the trouble to be over" });

      await rm(join(folder, "deploy-manager.yaml"));
      await becomes("an agent without policy", "no_policy", () => outcome("deploy-manager"));
      versions.push((await state()).policy_version);
    });

    test("under load every answer belongs to one set", async () => {
      const path = file("policies", "deploy-manager.yaml");
      const policy = (limit: number) =>
        `agent: deploy-manager\ntools: [deploy-api]\nactions: [{name: deploy, max_replicas: ${limit}}]\n`;
      await save(path, policy(1));
      await becomes("the first set", "max_replicas", () => outcome("deploy-manager"));
      const seen = new Map<unknown, Set<unknown>>();
      let latest: unknown;
      const ask = async () => {
        const { policy_version, violations } = problem(await stack.call("deploy-manager", deploy("staging")));
        latest = (violations as { limit: number }[])[0]?.limit;
        seen.set(policy_version, (seen.get(policy_version) ?? new Set()).add(latest));
      };
      let done = false;
      const load = Promise.all(
        Array.from({ length: 4 }, async () => {
          while (!done) await ask();
        }),
      );
      try {
        await save(path, policy(2));
        await becomes("the limit", 2, async () => latest);
        await save(path, "agent: [");
        await until(async () => (await state()).files.policies !== undefined, { what: "the trouble" });
        await save(path, policy(1));
        await becomes("the limit", 1, async () => latest);
      } finally {
        done = true;
        await load;
      }
      expect([...seen.values()].map((limits) => [...limits])).toEqual([[1], [2]]);
    });

    test("every load and every refusal is in the audit chain", async () => {
      const records = await policyRecords();
      const story = records.map(({ event, policy_version, previous_version }) => [
        event,
        policy_version,
        previous_version,
      ]);
      expect(story.slice(0, 4)).toEqual([
        ["loaded", versions[0], null],
        ["loaded", versions[1], versions[0]],
        ["refused", null, versions[1]],
        ["loaded", versions[2], versions[1]],
      ]);
      expect(records.map(({ event }) => event).slice(4)).toEqual([
        ...["refused", "loaded"], // the folder away, one file less
        ...["loaded", "loaded", "refused", "loaded"], // under load
      ]);
      expect(records[0]?.files).toEqual(
        ["deploy-manager", "guardrails", "payer", "release-bot", "reporter"].map((name) => `${name}.yaml`),
      );
      expect(records[2]?.detail).toContain("deploy-manager.yaml:9:");
      const decisions = (await auditRecords(file("var", "audit"))).filter(({ kind }) => kind === "decision");
      const loaded = new Set(records.map(({ policy_version }) => policy_version));
      const used = decisions.flatMap(({ opa_decision }) =>
        opa_decision === null ? [] : [(opa_decision as { policy_version: string }).policy_version],
      );
      expect(used.filter((version) => !loaded.has(version))).toEqual([]);
      const key = file("var", "audit.jwk");
      expect((await stack.countersign("audit", "verify", file("var", "audit"), "--key", key)).code).toBe(0);
    });
  });

  test("the catalogue", async () => {
    const pay = (path: string) => ({ host: "payments.internal", path, json: { amount: 1, to: "acme" } });
    expect(await outcome("payer", pay("/v2/transfers"))).toBe("unknown_tool");
    await change(file("tools.yaml"), "path: /v1/transfers", "path: /v2/transfers");
    await becomes("the new path", "passes", () => outcome("payer", pay("/v2/transfers")));
    expect(await outcome("payer", pay("/v1/transfers"))).toBe("unknown_tool");

    await change(file("tools.yaml"), "path: /v2/transfers", "path: v3/{transfers");
    await until(async () => (await state()).files.catalogue?.includes("tools.yaml:"), { what: "the trouble" });
    expect(await refusals("catalogue")).toBe(1);
    expect(await outcome("payer", pay("/v2/transfers"))).toBe("passes");
    await change(file("tools.yaml"), "path: v3/{transfers", "path: /v3/transfers");
    await becomes("the mended path", "budget_exceeded", () => outcome("payer", pay("/v3/transfers")));
    expect((await state()).files).toEqual({});
  });

  test("agents: disabled at once, back again, scopes taken away", async () => {
    const line = "{id: release-bot, model: some-model-1, scopes:";
    const shadow = () => outcome("release-bot");
    expect(await shadow()).toBe("passes");
    await change(file("agents.yaml"), line, line.replace("{", "{disabled: true, "));
    await becomes("a disabled agent", "agent_disabled", shadow);
    const asked = await stack.ask(await stack.token("release-bot"), "/v1/approvals/apr_x");
    expect(asked.status).toBe(401);
    await change(file("agents.yaml"), "{disabled: true, ", "{");
    await becomes("the agent", "passes", shadow);
    await change(file("agents.yaml"), 'scopes: ["deploy-api:deploy"]', 'scopes: ["deploy-api:status"]');
    await becomes("an agent with less scope", "scope_exceeded", shadow);
    await change(file("agents.yaml"), "  - {id: release-bot", "  - {id: somebody-else");
    await becomes("an agent that is gone", "agent_unknown", shadow);

    await append(file("agents.yaml"), "  - {id: reporter}\n");
    await until(async () => (await state()).files.agents?.includes("reporter is listed twice"), {
      what: "the trouble",
    });
    expect(await outcome("reporter", { host: "reports.internal", path: "/v1/poll" })).toBe("passes");
    await change(file("agents.yaml"), "  - {id: reporter}\n", "");
    await until(async () => (await state()).files.agents === undefined, { what: "the trouble to be over" });
  });

  test("people: a new token works, and a removed one no more", async () => {
    const token = "cst_bob";
    const ask = async () => (await stack.ask(token, "/v1/approvals")).status;
    expect(await ask()).toBe(401);
    const hash = createHash("sha256").update(token).digest("hex");
    const bob = `  - {id: bob@example.com, access: [approver], tokens: [{sha256: "${hash}"}]}\n`;
    await append(file("people.yaml"), bob);
    await becomes("the new person's answer", 200, ask);
    await change(file("people.yaml"), bob, bob.replace("approver", "viewer"));
    await becomes("the answer with other access", 403, ask);
    await change(file("people.yaml"), bob.replace("approver", "viewer"), "");
    await becomes("the removed person's answer", 401, ask);
  });
});

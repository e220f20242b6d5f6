import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deploy } from "../demo/steps.js";
import { type Answer, send } from "../harness/http.js";
import { describeWith } from "../harness/parts.js";
import { auditRecords, everyRecord, writerFolder } from "../harness/records.js";
import type { OwnRedis } from "../harness/redis.js";
import { type CallRequest, judgedWithinS, type Stack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { findParts, oneStack } from "./suite.js";

const parts = await findParts();

/** Every call of this agent counts against a rate, which is high enough to never matter. */
const counted: CallRequest = { host: "reports.internal", path: "/v1/export" };
/** Until then Envoy waits for an answer, and gives its own after it. */
const judgedWithinMs = judgedWithinS * 1_000;

function reasonOf({ body }: Answer): unknown {
  return JSON.parse(body).reason;
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const started = performance.now();
  return { value: await work, ms: performance.now() - started };
}

describeWith(parts, "when parts fail", (use) => {
  let redis: OwnRedis;
  let stack: Stack;
  let audit: string;
  oneStack(
    use,
    async (running) => {
      stack = running;
      redis = use().redis;
      audit = join(stack.folder, "var", "audit");
      // Tokens are issued by a program of their own, whose start would be measured otherwise.
      await Promise.all(["counted", "deploy-manager", "release-bot"].map((agent) => stack.token(agent)));
    },
    async (folder) => {
      const config = join(folder, "countersign.yaml");
      await writeFile(config, (await readFile(config, "utf8")).replace(/^store_timeout: .*$/m, "store_timeout: 1s"));
      await appendFile(join(folder, "agents.yaml"), `  - {id: counted, scopes: ["reports:*"]}\n`);
      await writeFile(
        join(folder, "policies", "counted.yaml"),
        "agent: counted\ntools: [reports]\nactions: [{name: export}]\nlimits: {rate: 1000/s, burst: 1000}\n",
      );
    },
  );

  const passes = async (agent: string, request: CallRequest) => (await stack.call(agent, request)).status === 200;
  const readiness = async () => {
    const [anybody, viewer] = await Promise.all([
      send(`${stack.api}/readyz`),
      stack.ask(stack.people.viewer, "/readyz"),
    ]);
    return { status: anybody.status, shown: anybody.body, state: JSON.parse(viewer.body).state };
  };
  const verified = async () => {
    const { code, stdout } = await stack.countersign("audit", "verify", audit, "--key", `${audit}.jwk`);
    return [code, stdout.trimEnd().split("\n").at(-1)];
  };
  const whole = [0, "every signature and every link holds"];

  test.each<[string, () => Promise<void>, () => Promise<void>]>([
    ["killed", () => redis.controls.kill(), () => redis.controls.restart()],
    ["paused", () => redis.controls.pause(), () => redis.controls.resume()],
  ])(
    "with Redis %s, calls are refused in time, denials stay what they are, and all goes on after it",
    async (_name, fail, heal) => {
      const { pid } = stack.server;
      expect(await passes("counted", counted)).toBe(true);
      stack.tool.requests.length = 0;
      await fail();
      try {
        for (let round = 0; round < 3; round++) {
          const { value: answer, ms } = await timed(stack.call("counted", counted));
          expect([answer.status, reasonOf(answer)]).toEqual([503, "store_unavailable"]);
          expect(answer.headers["content-type"]).toBe("application/problem+json");
          expect(answer.body).not.toMatch(/ECONN|redis|127\.0\.0\.1/i);
          expect(ms).toBeLessThan(judgedWithinMs);
        }
        const many = await timed(Promise.all(Array.from({ length: 40 }, () => stack.call("counted", counted))));
        expect(new Set(many.value.map(reasonOf))).toEqual(new Set(["store_unavailable"]));
        expect(many.ms).toBeLessThan(judgedWithinMs);

        const approval = await timed(stack.call("deploy-manager", deploy("production")));
        expect([approval.value.status, reasonOf(approval.value)]).toEqual([503, "store_unavailable"]);
        expect(approval.ms).toBeLessThan(judgedWithinMs);
        expect((await stack.ask(stack.people.approver, "/v1/approvals")).status).toBe(503);
        expect(stack.tool.requests).toEqual([]);

        // Nobody can tell whether the token was revoked a moment ago, and the session could not be told of the call.
        // A guardrail is enforced of the agent in shadow too, so its failures are not covered.
        for (const agent of ["deploy-manager", "release-bot"]) {
          const plain = await stack.call(agent, deploy("staging"));
          expect([plain.status, reasonOf(plain)]).toEqual([503, "store_unavailable"]);
        }
        const denied = await stack.call("deploy-manager", deploy("staging", { replicas: 200 }));
        expect([denied.status, reasonOf(denied)]).toEqual([403, "max_replicas"]);

        const { status, state } = await until(
          async () => {
            const now = await readiness();
            return now.state.store !== "ok" && now;
          },
          { what: "readiness to tell of the store" },
        );
        // It still decides, so nobody takes it out of service.
        expect([status, state.audit]).toEqual([200, "ok"]);
      } finally {
        await heal();
      }
      await until(() => passes("counted", counted), { what: "calls to pass again" });
      await until(async () => (await readiness()).state.store === "ok", { what: "readiness to be whole" });
      expect((await stack.call("deploy-manager", deploy("production"))).status).toBe(403);
      expect([stack.server.pid, stack.server.running()]).toEqual([pid, true]);
    },
  );

  test("with the server killed, Envoy refuses at once, and the chain goes on after it", async () => {
    const before = (await auditRecords(audit)).length;
    stack.server.signal("SIGKILL");
    await stack.server.ended;
    for (const request of [deploy("staging"), deploy("staging", { replicas: 200 })]) {
      const { value: answer, ms } = await timed(stack.call("deploy-manager", request));
      expect(answer).toMatchObject({ status: 503, headers: { "content-type": "application/problem+json" } });
      expect(JSON.parse(answer.body)).toMatchObject({
        error: "Unavailable",
        decision: "deny",
        reason: "internal_error",
      });
      expect(ms).toBeLessThan(judgedWithinMs);
    }
    expect(stack.tool.requests).toEqual([]);
    await stack.restartServer();
    expect(await passes("deploy-manager", deploy("staging"))).toBe(true);
    const records = await everyRecord(audit);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i + 1));
    // The policies of the start, and the call.
    expect(await auditRecords(audit)).toHaveLength(before + 2);
    expect(await verified()).toEqual(whole);
  });

  test("with the server paused, Envoy gives up on it, and a late answer lets nothing through", async () => {
    const before = (await auditRecords(audit)).length;
    stack.server.signal("SIGSTOP");
    try {
      const { value: answer, ms } = await timed(stack.call("deploy-manager", deploy("staging")));
      expect(answer.status).toBe(503);
      expect(ms).toBeGreaterThan(judgedWithinMs - 500);
    } finally {
      stack.server.signal("SIGCONT");
    }
    await until(() => passes("deploy-manager", deploy("staging")), { what: "calls to pass again" });
    expect(stack.tool.requests).toHaveLength(1);
    // The call that nobody waited for any more is on record as well.
    expect(await auditRecords(audit)).toHaveLength(before + 2);
  });

  test("SIGTERM lets calls and long polls in flight end, and exits with 0", async () => {
    await stack.restartServer({ COUNTERSIGN_STORE_TIMEOUT: "9s" });
    const open = await stack.call("deploy-manager", deploy("production", { service: "draining" }));
    const { approval } = JSON.parse(open.body) as { approval: { id: string } };
    const poll = stack.ask(await stack.token("deploy-manager"), `/v1/approvals/${approval.id}?wait=30s`);
    const { server } = stack;
    const before = (await auditRecords(audit)).length;

    await redis.controls.pause();
    const inFlight = Promise.all(Array.from({ length: 5 }, () => stack.call("counted", counted)));
    try {
      await until(async () => (await activeQuestions(stack)) >= 5, { what: "five calls in flight" });
      server.signal("SIGTERM");
      await until(async () => (await send(`${stack.api}/readyz`)).status === 503, { what: "readiness to end" });
    } finally {
      await redis.controls.resume();
    }
    expect((await inFlight).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const polled = await poll;
    expect([polled.status, JSON.parse(polled.body).status]).toEqual([200, "pending"]);
    expect(await timed(server.ended)).toMatchObject({ value: { code: 0, signal: null } });
    expect(server.stderr()).toBe("");
    expect(stack.tool.requests).toHaveLength(5);
    expect((await stack.call("counted", counted)).status).toBe(503);
    expect(await auditRecords(audit)).toHaveLength(before + 5);
    expect(await verified()).toEqual(whole);
    await stack.restartServer();
  });

  test("when records cannot be written nothing passes, in any mode, until they can", async () => {
    const open = await stack.call("deploy-manager", deploy("production", { service: "unrecorded" }));
    const { approval } = JSON.parse(open.body) as { approval: { id: string } };
    const folder = await writerFolder(audit);
    const before = (await auditRecords(audit)).length;
    expect(await readiness()).toMatchObject({ status: 200, shown: '{"ready":true}' });

    const away = join(stack.folder, "away");
    await rename(folder, away);
    try {
      for (const agent of ["deploy-manager", "release-bot", null]) {
        const answer = await stack.call(agent, deploy("staging"));
        expect([answer.status, reasonOf(answer)]).toEqual([503, "audit_unavailable"]);
        expect(answer.body).not.toContain(stack.folder);
      }
      expect(stack.tool.requests).toEqual([]);
      const { status, shown, state } = await readiness();
      expect(status).toBe(503);
      expect(shown).not.toContain(stack.folder);
      expect(state.audit).toContain("audit records cannot be written");
      const decided = await stack.ask(stack.people.approver, `/v1/approvals/${approval.id}/decision`, {
        decision: "approve",
      });
      expect([decided.status, reasonOf(decided)]).toEqual([503, "audit_unavailable"]);
      const metrics = await stack.ask(stack.people.viewer, "/metrics");
      expect(metrics.body).toMatch(/^countersign_audit_errors_total 3$/m);
    } finally {
      await rename(away, folder);
    }
    await until(async () => (await readiness()).status === 200, { what: "readiness to come back" });
    expect(await passes("deploy-manager", deploy("staging"))).toBe(true);
    const shown = await stack.ask(await stack.token("deploy-manager"), `/v1/approvals/${approval.id}`);
    expect(JSON.parse(shown.body)).toMatchObject({ status: "pending", decisions: [] });
    expect(await auditRecords(audit)).toHaveLength(before + 1);
    expect(await verified()).toEqual(whole);
  });
});

/** Questions that Envoy waits for an answer to. The stream of its access log goes to the same cluster, so calls are counted too. */
async function activeQuestions({ envoy }: Stack): Promise<number> {
  const stats = "^(cluster\\.countersign\\.upstream|http\\.agents\\.downstream)_rq_active$";
  const { body } = await send(`${envoy.adminUrl}/stats?filter=${encodeURIComponent(stats)}`);
  return Math.min(...[...body.matchAll(/: (\d+)/g)].map(([, count]) => Number(count)));
}

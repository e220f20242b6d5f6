import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deploy } from "../demo/steps.js";
import type { Answer } from "../harness/http.js";
import { describeWith } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import type { OwnRedis } from "../harness/redis.js";
import type { CallRequest, Stack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { findParts, oneStack } from "./suite.js";

const parts = await findParts();
const request: CallRequest = { host: "reports.internal", path: "/v1/export" };
/** One call in an hour comes back: within the test only the burst passes. */
const policy = "agent: counted\nactions: [{name: export}, {name: lookup}]\nlimits: {rate: 1/h, burst: 20}\n";
const asking = `agent: asking\nactions: [{name: export, approval_needed: '"pii" in session.data_classification'}]\n`;
const tools = `
  - name: crm
    match: {hosts: [reports.internal], methods: [GET], path: "/crm/{action}"}
    action: "{path.action}"
    classification: [pii]
`;
const lookup: CallRequest = { host: "reports.internal", path: "/crm/lookup?id=7" };

function reasonOf({ status, body }: Answer): [number, unknown] {
  return [status, status === 200 ? null : JSON.parse(body).reason];
}

describeWith(parts, "with a share of the limits while Redis is away, through the real Envoy", (use) => {
  let redis: OwnRedis;
  let stack: Stack;
  oneStack(
    use,
    async (running) => {
      stack = running;
      redis = use().redis;
      await Promise.all(["counted", "asking", "deploy-manager"].map((agent) => stack.token(agent)));
    },
    async (folder) => {
      await appendFile(
        join(folder, "agents.yaml"),
        `  - {id: counted, scopes: ["*:*"]}\n  - {id: asking, scopes: ["reports:*"]}\n`,
      );
      await appendFile(join(folder, "countersign.yaml"), "on_store_failure: {local: 0.2}\n");
      await appendFile(join(folder, "tools.yaml"), tools);
      await writeFile(join(folder, "policies", "counted.yaml"), policy);
      await writeFile(join(folder, "policies", "asking.yaml"), asking);
    },
  );

  test("calls go on with the share and no more; what needs people or the session waits for it", async () => {
    expect(reasonOf(await stack.call("counted", request))).toEqual([200, null]);
    await redis.controls.kill();
    try {
      const answers: Answer[] = [];
      for (let n = 0; n < 12; n++) answers.push(await stack.call("counted", n === 1 ? lookup : request));
      const passed = answers.filter(({ status }) => status === 200).length;
      // A fifth of a burst of 20.
      expect(passed).toBe(4);
      const others = answers.map(reasonOf).filter(([status]) => status !== 200);
      expect(new Set(others.map(([, reason]) => reason))).toEqual(new Set(["rate_exceeded"]));
      expect(reasonOf(await stack.call("asking", request))).toEqual([503, "store_unavailable"]);
      expect(reasonOf(await stack.call("deploy-manager", deploy("production")))).toEqual([503, "store_unavailable"]);
      const state = JSON.parse((await stack.ask(stack.people.viewer, "/readyz")).body).state;
      expect(state.store).toContain("0.2 of each limit");
      const records = await auditRecords(join(stack.folder, "var", "audit"));
      const local = records.filter((record) => record.agent_id === "counted" && record.enforced === "allow");
      expect(local.map((record) => record.local ?? false)).toEqual([false, true, true, true, true]);
      const metrics = (await stack.ask(stack.people.viewer, "/metrics")).body;
      expect(metrics).toMatch(/^countersign_store_local_decisions_total [1-9]/m);
    } finally {
      await redis.controls.restart();
    }
    const asked = async () => (await stack.call("deploy-manager", deploy("production"))).status === 403;
    await until(asked, { what: "people to be asked again" });
    await until(async () => (await stack.call("asking", request)).status === 200, { what: "sessions to be known" });
  });

  test("what was done meanwhile is not forgotten by the session", async () => {
    const records = await auditRecords(join(stack.folder, "var", "audit"));
    const { session_id: session } = records.find((record) => record.local) ?? {};
    const touched = async () => {
      const answer = await stack.ask(stack.people.viewer, `/v1/sessions/${session}/attestation`);
      return answer.status === 200 && JSON.parse(answer.body).data_classification.includes("pii");
    };
    expect(await until(touched, { what: "the session to know what it touched" })).toBe(true);
  });
});

import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { parse } from "yaml";
import { deploy } from "../demo/steps.js";
import { entryOf, messageOf, openStream } from "../grpc/access_log_stream.js";
import { protos } from "../grpc/harness.js";
import { connectionManager, type EnvoyConfig } from "../harness/envoy.js";
import type { ToolRequest } from "../harness/example_tool.js";
import type { Answer } from "../harness/http.js";
import { describeWith } from "../harness/parts.js";
import { type AuditLine, everyRecord } from "../harness/records.js";
import { type CallRequest, type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { findParts, payload } from "./suite.js";

/** What the tool does with a call that asks for it, by the header `x-do`. */
const behaviour: Record<string, (response: ServerResponse) => void> = {
  fail: (response) => void response.writeHead(500).end("no"),
  refuse: (response) => void response.writeHead(422).end("no"),
  close: (response) => void response.socket?.destroy(),
  cut: (response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write("only the beginning");
    setTimeout(() => response.socket?.destroy(), 100);
  },
  wait: (response) => void held.push(response),
  hang: () => {},
};
const held: ServerResponse[] = [];

function respond(request: ToolRequest, response: ServerResponse): void {
  const act = behaviour[String(request.headers["x-do"])];
  if (act) act(response);
  else response.writeHead(200).end("ok");
}

/** Calls that ask for it end in a timeout that can be waited for; all others have time enough. */
function shorten(config: EnvoyConfig): void {
  for (const host of connectionManager(config).route_config.virtual_hosts) {
    host.routes = host.routes.flatMap((one) => {
      if (!one.route) return [one];
      const hang = { prefix: "/", headers: [{ name: "x-do", string_match: { exact: "hang" } }] };
      return [
        { ...one, match: hang, route: { ...one.route, timeout: "1s" } },
        { ...one, route: { ...one.route, timeout: "120s" } },
      ];
    });
  }
}

const doing = (what: string): CallRequest => ({ ...deploy("staging"), headers: { "x-do": what } });

describeWith(await findParts(), "what became of calls, through the real Envoy", (use) => {
  let stack: Stack;
  beforeAll(async () => {
    const { program, redis } = use();
    stack = await startStack({ store: redis.url, envoyProgram: program, respond, editEnvoy: shorten });
  });
  afterAll(async () => {
    await stack?.stop();
    await use().redis.stop();
  });
  beforeEach(() => {
    stack.tool.requests.length = 0;
    held.length = 0;
  });

  const records = () => everyRecord(join(stack.folder, "var", "audit"));
  const find = async (kind: string, id: unknown): Promise<AuditLine[]> =>
    (await records()).filter((one) => one.kind === kind && one.decision_id === id);
  /** Of the newest call that reached the tool. */
  const decisionId = (): unknown => stack.tool.requests.at(-1)?.headers["x-countersign-decision-id"];

  /** The one outcome of a decision, and the record of that decision. */
  async function recorded(id: unknown): Promise<{ outcome: AuditLine; decision: AuditLine }> {
    const [outcome, ...more] = await until(
      async () => {
        const found = await find("outcome", id);
        return found.length > 0 && found;
      },
      { what: `the outcome of ${id}`, timeoutMs: 30_000 },
    );
    const [decision, ...others] = await find("decision", id);
    if (!outcome || !decision || more.length + others.length > 0) throw new Error(`not one record each of ${id}`);
    return { outcome, decision };
  }

  /** What an outcome has from its decision. */
  const linked = ["deployment_id", "session_id", "agent_id", "tool", "action", "environment", "service"];
  const linkOf = (record: AuditLine) => linked.map((name) => record[name]);
  const ending = ({ outcome, status, flags }: AuditLine) => [outcome, status, flags];

  /** A call that the tool holds, of a client that waits for as long as it takes. */
  async function heldCall(): Promise<Socket> {
    const { host, json } = deploy("staging");
    const body = JSON.stringify(json);
    const head = [
      "POST /v1/deploy HTTP/1.1",
      ...[`host: ${host}`, `authorization: Bearer ${await stack.token("deploy-manager")}`, "x-do: wait"],
      ...["content-type: application/json", `content-length: ${Buffer.byteLength(body)}`],
    ];
    const socket = connect(stack.envoy.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
    await until(() => held.length === 1, { what: "the call at the tool" });
    return socket;
  }

  test("a call that succeeded, with all that is known of it", async () => {
    expect((await stack.call("deploy-manager", deploy("staging"))).status).toBe(200);
    const { outcome, decision } = await recorded(decisionId());
    expect(ending(outcome)).toEqual(["succeeded", 200, []]);
    expect(linkOf(outcome)).toEqual(linkOf(decision));
    expect(outcome).toMatchObject({
      agent_id: "deploy-manager",
      tool: "deploy-api",
      action: "deploy",
      environment: "staging",
      service: "shop",
      session_id: expect.stringMatching(/^ses_/),
      request_id: stack.tool.requests.at(-1)?.headers["x-request-id"],
      upstream: `${stack.tool.host}:${stack.tool.port}`,
    });
    expect(outcome.duration_us).toBeGreaterThan(0);
    expect(Number(outcome.seq)).toBeGreaterThan(Number(decision.seq));
  });

  test.each<[string, string, number, unknown[]]>([
    ["a failure of the tool", "fail", 500, ["failed", 500, []]],
    ["a refusal by the tool", "refuse", 422, ["failed", 422, []]],
    ["a tool that closes the connection", "close", 503, ["unreached", null, ["UC"]]],
    ["a tool that takes too long", "hang", 504, ["unreached", null, ["UT"]]],
  ])("%s", async (_, what, status, wanted) => {
    expect((await stack.call("deploy-manager", doing(what))).status).toBe(status);
    const { outcome, decision } = await recorded(decisionId());
    expect(ending(outcome)).toEqual(wanted);
    expect(linkOf(outcome)).toEqual(linkOf(decision));
  });

  test("an answer that was cut off", async () => {
    await expect(stack.call("deploy-manager", doing("cut"))).rejects.toThrow();
    const { outcome } = await recorded(decisionId());
    expect(ending(outcome)).toEqual(["failed", 200, ["UPE"]]);
  });

  test("a client that goes away", async () => {
    const socket = await heldCall();
    socket.destroy();
    const { outcome } = await recorded(decisionId());
    expect(outcome).toMatchObject({ outcome: "unreached", status: null, flags: expect.arrayContaining(["DC"]) });
  });

  test("a call that was denied has none", async () => {
    const denied = payload(await stack.call("deploy-manager", deploy("staging", { replicas: 200 }))).decision_id;
    const stranger = payload(await stack.call(null, deploy("staging"))).decision_id;
    expect((await stack.call("deploy-manager", { host: "elsewhere.internal", path: "/" })).status).toBe(403);
    await stack.call("deploy-manager", deploy("staging"));
    // Envoy has one worker here: what came before has been told before.
    await recorded(decisionId());
    expect([...(await find("outcome", denied)), ...(await find("outcome", stranger))]).toEqual([]);
    expect(await find("decision", denied)).toHaveLength(1);
    const known = new Set((await records()).map((one) => one.kind === "decision" && one.decision_id));
    const outcomes = (await records()).filter(({ kind }) => kind === "outcome");
    expect(outcomes.filter(({ decision_id }) => !known.has(decision_id as string))).toEqual([]);
  });

  test("a call that was sanitized, and one in shadow", async () => {
    const secret = { "x-debug-token": "s3cret" };
    await stack.call("reporter", { host: "reports.internal", path: "/v1/export?month=2026-10", headers: secret });
    const sanitized = await recorded(decisionId());
    expect([sanitized.decision.enforced, ...ending(sanitized.outcome)]).toEqual(["sanitize", "succeeded", 200, []]);
    expect(JSON.stringify(sanitized)).not.toContain("s3cret");
    await stack.call("release-bot", deploy("staging", { replicas: 200 }));
    const shadow = await recorded(decisionId());
    expect([shadow.decision.decision, shadow.decision.enforced]).toEqual(["deny", "allow"]);
    expect(ending(shadow.outcome)).toEqual(["succeeded", 200, []]);
  });

  test("an approved retry has the deployment of the call that asked", async () => {
    const asked = payload(await stack.call("deploy-manager", deploy("production")));
    const approval = `/v1/approvals/${asked.approval?.id}`;
    const answered = await stack.ask(stack.people.approver, `${approval}/decision`, { decision: "approve" });
    expect(answered.status).toBe(200);
    const shown: Answer = await stack.ask(await stack.token("deploy-manager"), approval);
    const { override_token: override } = JSON.parse(shown.body) as { override_token: string };
    const retry = { ...deploy("production"), headers: { "x-countersign-override": override } };
    expect((await stack.call("deploy-manager", retry)).status).toBe(200);
    const { outcome, decision } = await recorded(decisionId());
    const [first] = await find("decision", asked.decision_id);
    expect(outcome.decision_id).not.toBe(asked.decision_id);
    expect([outcome.deployment_id, decision.deployment_id]).toEqual([first?.deployment_id, asked.decision_id]);
    expect(await find("outcome", asked.decision_id)).toEqual([]);
  });

  test("what an agent writes into its call leads nowhere", async () => {
    await stack.call("deploy-manager", deploy("staging"));
    const victim = decisionId();
    await recorded(victim);
    const headers = {
      "x-do": "fail",
      "x-countersign-decision-id": String(victim),
      "x-request-id": "mine",
      "envoy-filters-http-ext-authz": `{"decision_id":"${victim}"}`,
    };
    expect(await stack.call("deploy-manager", { ...deploy("staging"), headers })).toMatchObject({
      status: 500,
      body: "no",
    });
    const own = await recorded(decisionId());
    expect(ending(own.outcome)).toEqual(["failed", 500, []]);
    expect(own.outcome.request_id).not.toBe("mine");
    expect(ending((await recorded(victim)).outcome)).toEqual(["succeeded", 200, []]);
  });

  test("an entry that somebody on the host invents links to nothing", async () => {
    const denied = String(payload(await stack.call("deploy-manager", deploy("staging", { replicas: 99 }))).decision_id);
    await stack.call("deploy-manager", deploy("staging"));
    const told = String(decisionId());
    const { outcome } = await recorded(told);
    const { listen } = parse(await readFile(stack.config, "utf8")) as { listen: { grpc: string } };
    const client = new Client(listen.grpc, credentials.createInsecure());
    const stream = openStream(client);
    const invented = "01J9ZQ3V6C5R8N2K4M7P0T1S6Y";
    const forged = [invented, denied, told, "../../etc/passwd"].map((id) =>
      entryOf(id, { response: { response_code: { value: 500 } } }, { enforced: "allow", agent_id: "deploy-manager" }),
    );
    stream.call.write(messageOf([...forged.map((entry) => protos.accessLog.encodeEntry(entry)), Buffer.from([0xff])]));
    stream.call.end();
    expect(await stream.over).toBe("ended");
    client.close();
    for (const id of [invented, denied]) {
      const [unlinked] = await until(async () => (await find("outcome", id)).length > 0 && find("outcome", id), {
        what: "the outcome that was invented",
      });
      expect(unlinked).toMatchObject({ session_id: null, deployment_id: null, environment: null, service: null });
    }
    // What contradicts the true end is told too, by itself: an auditor sees both.
    const ends = await until(
      async () => {
        const found = await find("outcome", told);
        return found.length > 1 && found;
      },
      { what: "both ends" },
    );
    expect(ends).toEqual([outcome, expect.objectContaining({ outcome: "failed", status: 500, deployment_id: null })]);
    const { body } = await stack.ask(stack.people.viewer, "/metrics");
    const counted = (result: string) =>
      Number(new RegExp(`outcomes_total\\{result="${result}"\\} (\\d+)`).exec(body)?.[1]);
    expect(["unlinked", "malformed"].map(counted)).toEqual([3, 2]);
    expect(counted("recorded")).toBeGreaterThan(5);
  });

  test("a server that is started again in between ends at once, and tells what it still can", async () => {
    const socket = await heldCall();
    const id = decisionId();
    const before = stack.server;
    await stack.restartServer();
    expect(await before.ended).toEqual({ code: 0, signal: null });
    held[0]?.writeHead(201).end("late");
    const { outcome } = await recorded(id);
    socket.destroy();
    expect(outcome).toMatchObject({ status: 201, agent_id: "deploy-manager", tool: "deploy-api", action: "deploy" });
    expect([outcome.session_id, outcome.deployment_id, outcome.environment]).toEqual([null, null, null]);
    const audit = join(stack.folder, "var", "audit");
    expect((await stack.countersign("audit", "verify", audit, "--key", `${audit}.jwk`)).code).toBe(0);
  });
});

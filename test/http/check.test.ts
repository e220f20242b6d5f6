import { request } from "node:http";
import { bareDenial } from "../../src/respond/index.js";
import { until } from "../harness/until.js";
import { startHeld } from "../pipeline/held_world.js";
import type { World } from "../pipeline/world.js";
import { ask, decisions, filesOf, key, open, run, serve, start } from "./check_fixture.js";
import type { Answer, Api } from "./fixture.js";

test("a call that is allowed is told who it is and what was decided", async () => {
  const { world, made } = await start(open);
  const answer = await ask(made, run);
  expect([answer.statusCode, answer.headers["content-type"]]).toEqual([200, "application/json; charset=utf-8"]);
  const [record, ...others] = await decisions(world);
  expect(answer.json()).toEqual({
    decision: "allow",
    enforced: "allow",
    mode: "enforce",
    reason: "allowed",
    decision_id: record?.decision_id,
    policy_version: world.workspace.policies.version,
    agent_id: "bot",
    tool: "shell",
    action: "run",
  });
  expect(others).toEqual([]);
  expect(record).toMatchObject({ agent_id: "bot", tool: "shell", action: "run", outcome: "allowed" });
  expect(record).toMatchObject({ opa_decision: { input: { params: { jobs: 1 }, http: { path: "/v1/check" } } } });
});

test("a denial has the status and the payload that an agent gets from Envoy", async () => {
  const { world, made } = await start({ actions: [{ name: "run", max_jobs: 5 }] });
  const answer = await ask(made, { ...run, params: { jobs: 6 } });
  expect(answer.statusCode).toBe(403);
  expect(answer.headers).toMatchObject({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-countersign-decision": "deny",
    "x-countersign-decision-id": answer.json().decision_id,
  });
  expect(answer.json()).toMatchObject({
    type: "urn:countersign:PolicyViolation",
    status: 403,
    decision: "deny",
    reason: "max_jobs",
    violations: [{ rule: "max_jobs", param: "jobs", limit: 5, actual: 6 }],
    tool: "shell",
  });
  expect(await decisions(world)).toMatchObject([{ decision: "deny", reason: "max_jobs" }]);
});

test("in shadow the call passes, and both answers are told", async () => {
  const { made } = await start({ mode: "shadow", actions: [{ name: "deploy" }] });
  const answer = await ask(made, run);
  expect([answer.statusCode, answer.json()]).toMatchObject([
    200,
    { decision: "deny", enforced: "allow", mode: "shadow", reason: "action_not_allowed" },
  ]);
});

test("limits are told as they are to callers of Envoy", async () => {
  const { made } = await start({ ...open, limits: { rate: "1/h" } });
  expect((await ask(made, run)).statusCode).toBe(200);
  const answer = await ask(made, run);
  expect([answer.statusCode, answer.json().error]).toEqual([429, "RateLimited"]);
  expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  expect(answer.headers["ratelimit-policy"]).toBe('"rate";q=1;w=3600');
});

test("what a tool without HTTP exposes is remembered of the session", async () => {
  const policy = {
    actions: [{ name: "run" }, { name: "deploy", approval_needed: '"config" in session.data_classification' }],
  };
  const { made } = await start(policy);
  const deploy = { tool: "deploy-api", action: "deploy", environment: "staging" };
  expect((await ask(made, deploy)).statusCode).toBe(200);
  expect((await ask(made, run)).statusCode).toBe(200);
  expect((await ask(made, deploy)).json().reason).toBe("approval_needed");
});

describe("sanitize", () => {
  const sanitize = {
    headers: { set: { "x-team": "sre", "x-zone": "eu" }, remove: ["x-debug"] },
    query: { set: { dry: "1" } },
  };

  test("the changes are told without our own headers", async () => {
    const { made } = await start({ actions: [{ name: "run", sanitize }] });
    const answer = await ask(made, run, { "x-debug": "1", "x-countersign-decision": "allow" });
    expect([answer.statusCode, answer.json()]).toMatchObject([
      200,
      { decision: "sanitize", enforced: "sanitize", reason: "sanitized" },
    ]);
    const { headers, query } = answer.json();
    // Names only: what is set may be a credential of the tool's.
    expect(headers.set.sort()).toEqual(["x-team", "x-zone"]);
    expect(headers.remove).toContain("x-debug");
    expect(headers.remove.join()).not.toContain("countersign");
    expect(query).toEqual({ set: ["dry"], remove: [] });
    expect(answer.body).not.toContain("sre");
  });

  test("an answer that changes nothing says nothing of changes", async () => {
    const { made } = await start(open);
    expect(Object.keys((await ask(made, run)).json())).not.toEqual(expect.arrayContaining(["headers"]));
  });
});

describe("approvals", () => {
  const asking = { actions: [{ name: "run", approval_needed: true }] };
  const approve = async (world: World, id: string) => {
    const alice = world.workspace.registry.person("alice@example.com");
    if (!alice) throw new Error("nobody is called alice");
    await world.approvals.answer(id, alice, { decision: "approve" });
    const view = await world.approvals.show(id, { kind: "agent", agent: "bot", session: "open:bot" });
    return { "x-countersign-override": view?.override_token ?? "" };
  };

  test("the approved call passes once, in whatever spelling", async () => {
    const { world, made } = await start(asking);
    const first = await ask(made, run);
    expect([first.statusCode, first.json()]).toMatchObject([
      403,
      { error: "ApprovalNeeded", approval: { id: expect.stringMatching(/^apr_/), poll_after_s: 2 } },
    ]);
    const { id } = first.json().approval;
    expect((await ask(made, run)).json().approval.id).toBe(id);
    const [shown] = await world.approvals.list({ limit: 10 });
    expect(shown?.call).toMatchObject({ tool: "shell", action: "run", params: { jobs: 1 }, path: "/v1/check" });

    const token = await approve(world, id);
    const spelled = '{ "params":{"jobs":1.0}, "action":"run", "tool":"shell" }';
    const json = { "content-type": "application/json" };
    const passed = await ask(made, spelled, { ...json, ...token });
    expect([passed.statusCode, passed.json().reason]).toEqual([200, "allowed"]);
    expect(await decisions(world)).toContainEqual(
      expect.objectContaining({ approval_id: id, human_approval: [expect.objectContaining({ approval_id: id })] }),
    );
    expect((await ask(made, run, token)).json().reason).toBe("override_used");
  });

  test.each<[string, object]>([
    ["other parameters", { ...run, params: { jobs: 2 } }],
    ["one parameter more", { ...run, params: { jobs: 1, force: true } }],
    ["another environment", { ...run, environment: "production" }],
    ["a destination", { ...run, destination: "db.internal" }],
  ])("a call with %s needs an approval of its own", async (_name, other) => {
    const { world, made } = await start(asking);
    const { id } = (await ask(made, run)).json().approval;
    const token = await approve(world, id);
    const answer = await ask(made, other, token);
    expect(answer.json()).toMatchObject({ reason: "approval_needed" });
    expect(answer.json().approval.id).not.toBe(id);
    expect((await ask(made, run, token)).statusCode).toBe(200);
  });

  test("a call that is held is answered when people have answered", async () => {
    const held = await startHeld({ tools: filesOf(open).tools });
    const made = await serve({ decide: held.world.decide, close: () => held.close() });
    const telling = ask(made, { ...run, action: "deploy" }, { "x-api-key": "key-asking" });
    await held.answer(await held.asked());
    expect((await telling).statusCode).toBe(200);
    held.terms = { ...held.terms, holdMs: 20 };
    const late = await ask(made, { ...run, action: "deploy" }, { "x-api-key": "key-asking" });
    expect([late.statusCode, late.json().reason]).toEqual([403, "approval_needed"]);
  });

  test("no approval is used up for a caller who hung up", async () => {
    const held = await startHeld({ tools: filesOf(open).tools });
    const made = await serve({ decide: held.world.decide, close: () => held.close() });
    const sent = request({
      host: made.host,
      port: made.port,
      method: "POST",
      path: "/v1/check",
      headers: { "x-api-key": "key-asking", "content-type": "application/json" },
    });
    sent.on("error", () => undefined);
    sent.end(JSON.stringify({ ...run, action: "deploy" }));
    const id = await held.asked();
    sent.destroy();
    await until(async () => (await held.decisions())[0], { what: "the record of the call that was given up" });
    await held.answer(id);
    expect(await held.statusOf(id)).toBe("approved");
    expect(await held.decisions()).toMatchObject([{ decision: "approval_needed", approval_id: id }]);
  });
});

describe("egress", () => {
  const to = (...allow: string[]) => ({ actions: [{ name: "run" }], egress: { allow } });

  test.each<[string, string | undefined, number]>([
    ["db.internal:5432", "db.internal:5432", 200],
    ["db.internal", "DB.internal:5432", 200],
    ["*.internal", "db.internal", 200],
    ["*.internal", "internal", 403],
    ["db.internal:5432", "db.internal", 403],
    ["db.internal:443", "db.internal", 200],
    ["*.internal", undefined, 403],
    ["*.com", undefined, 403],
    ["db.internal", undefined, 403],
    ["10.0.0.1", undefined, 403],
  ])("with %s permitted, to %s: %d", async (permitted, destination, status) => {
    const { made } = await start(to(permitted));
    const answer = await ask(made, { ...run, ...(destination !== undefined && { destination }) });
    expect(answer.statusCode).toBe(status);
    if (status === 403) expect(answer.json().reason).toBe("egress");
  });
});

describe("who the pipeline does not know is refused and recorded", () => {
  test.each<[string, string[], string]>([
    ["no credential", [], "credential_missing"],
    ["an unknown key", ["x-api-key", "key-nobody"], "api_key_unknown"],
    ["a person", ["authorization", "Bearer token-admin"], "credential_malformed"],
    ["two keys", ["x-api-key", "key-bot", "x-api-key", "key-bot"], "credential_ambiguous"],
    ["a key and a token", ["x-api-key", "key-bot", "authorization", "Bearer x"], "credential_ambiguous"],
  ])("%s", async (_name, headers, reason) => {
    const { world, made } = await start(open);
    const answer = await raw(made, headers, JSON.stringify(run));
    expect([answer.statusCode, answer.json().reason]).toEqual([401, reason]);
    expect(answer.headers["www-authenticate"]).toContain('Bearer realm="countersign"');
    expect(await decisions(world)).toMatchObject([{ decision: "deny", reason, agent_id: null, tool: null }]);
  });

  test("before the body is looked at", async () => {
    const { made } = await start(open);
    expect((await raw(made, [], "{")).json().reason).toBe("credential_missing");
  });
});

describe("what is no description is refused and recorded", () => {
  const json = ["content-type", "application/json"];

  test.each<[string, string[], string | Buffer | undefined, string]>([
    ["no JSON", json, "{", "malformed_body"],
    ["bytes that are not UTF-8", json, Buffer.from([0x7b, 0xff, 0x7d]), "malformed_body"],
    ["a name twice", json, '{"tool":"shell","action":"run","action":"stop"}', "malformed_body"],
    ["an unknown member", json, JSON.stringify({ ...run, agent: "root" }), "malformed_parameter"],
    ["no action", json, '{"tool":"shell"}', "missing_action"],
    ["no body", json, undefined, "body_missing"],
    ["text", ["content-type", "text/plain"], JSON.stringify(run), "unsupported_content_type"],
    ["a form", ["content-type", "application/x-www-form-urlencoded"], "tool=shell", "unsupported_content_type"],
    ["no type", [], JSON.stringify(run), "unsupported_content_type"],
    ["nonsense for a type", ["content-type", "json"], JSON.stringify(run), "unsupported_content_type"],
    ["two types", [...json, ...json], JSON.stringify(run), "malformed_header"],
    ["a compressed body", [...json, "content-encoding", "gzip"], JSON.stringify(run), "unsupported_content_encoding"],
    ["another method by header", [...json, "x-http-method-override", "GET"], JSON.stringify(run), "method_override"],
    ["a tool that nobody knows", json, '{"tool":"nothing","action":"run"}', "unknown_tool"],
  ])("%s", async (_name, headers, body, reason) => {
    const { world, made } = await start(open);
    const answer = await raw(made, ["x-api-key", "key-bot", ...headers], body);
    expect(answer.json().reason).toBe(reason);
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect(await decisions(world)).toMatchObject([{ decision: "deny", reason }]);
  });

  test("a query", async () => {
    const { world, made } = await start(open);
    const answer = await ask(made, run, {}, "/v1/check?tool=shell");
    expect([answer.statusCode, answer.json().reason]).toEqual([400, "malformed_query"]);
    expect(await decisions(world)).toMatchObject([{ reason: "malformed_query" }]);
  });

  test("a body of more than 64 KiB is not taken at all", async () => {
    const { world, made } = await start(open);
    const big = { ...run, params: { jobs: 1, note: "x".repeat(65_536) } };
    const answer = await ask(made, big);
    expect([answer.statusCode, answer.json().reason]).toEqual([413, "body_too_large"]);
    expect(await decisions(world)).toEqual([]);
    const fits = { ...run, params: { jobs: 1, note: "x".repeat(60_000) } };
    expect((await ask(made, fits)).statusCode).toBe(200);
  });

  test("`unmatched: passthrough` is about HTTP", async () => {
    const { made } = await start(open, { config: { unmatched: "passthrough" } });
    expect((await ask(made, { ...run, tool: "nothing" })).json().reason).toBe("unknown_tool");
  });
});

test.each(["GET", "PUT", "DELETE"])("%s is not supported", async (method) => {
  const { made } = await start(open);
  const answer = await made.send({ method, url: "/v1/check", headers: key });
  expect([answer.statusCode, answer.headers.allow]).toEqual([405, "POST"]);
});

describe("the pipeline fails", () => {
  test("without an answer: an internal error, of which nothing is told", async () => {
    const decide = async () => {
      throw new Error("10.0.0.7 password=hunter2");
    };
    const made = await serve({ decide, close: async () => undefined });
    const answer = await ask(made, run);
    expect([answer.statusCode, answer.json().reason]).toEqual([500, "internal_error"]);
    expect(answer.body).not.toContain("hunter2");
    expect(made.logged).toHaveLength(1);
  });

  test("with a bare denial: a problem all the same", async () => {
    const made = await serve({ decide: async () => bareDenial, close: async () => undefined });
    const answer = await ask(made, run);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect([answer.statusCode, answer.json().reason]).toEqual([503, "internal_error"]);
  });

  test.each([
    [
      "a denial that Envoy would pass on as 200",
      { status: { code: 7 }, denied_response: { status: { code: 200 }, body: "{}" } },
    ],
    ["a denial with the body of a pass", { status: { code: 7 }, ok_response: {} }],
  ] as const)("%s is no pass", async (_name, response) => {
    const made = await serve({ decide: async () => response as never, close: async () => undefined });
    expect((await ask(made, run)).statusCode).toBeGreaterThanOrEqual(400);
  });
});
/** One request with these header lines and no others but those that framing needs. */
async function raw(made: Api, headers: string[], body: string | Buffer | undefined): Promise<Answer> {
  const length = ["content-length", String(Buffer.byteLength(body ?? ""))];
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: made.host,
        port: made.port,
        method: "POST",
        path: "/v1/check",
        headers: ["host", "localhost", ...length, ...headers] as never,
        agent: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => {
          const text = Buffer.concat(parts).toString();
          const { statusCode = 0, headers: received } = response;
          resolve({ statusCode, headers: received, body: text, json: () => JSON.parse(text) });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../harness/until.js";
import { type Api, api, as, session } from "./fixture.js";

let made: Api;
let id: string;
beforeEach(async () => {
  made = await api();
  id = await made.here.open();
});
afterEach(() => made.app.close());

const show = async (headers: Record<string, string>, query = "") =>
  made.send({ method: "GET", url: `/v1/approvals/${id}${query}`, headers });
const decide = (name: string, payload: unknown = { decision: "approve" }) =>
  made.send({
    method: "POST",
    url: `/v1/approvals/${id}/decision`,
    headers: { ...as(name), "content-type": "application/json" },
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });

test("an approval from request to override token", async () => {
  const agent = await made.agent("deploy-manager");
  const pending = (await show(agent)).json();
  expect(pending).toMatchObject({ id, status: "pending", decisions: [], requested_by: { agent: "deploy-manager" } });
  expect(pending).not.toHaveProperty("override_token");

  const listed = await made.send({
    url: "/v1/approvals?status=pending&agent=deploy-manager",
    headers: as("bob"),
  });
  expect(listed.json().approvals.map((one: { id: string }) => one.id)).toEqual([id]);

  const decided = await decide("bob", { decision: "approve", comment: "go" });
  expect(decided.statusCode).toBe(200);
  expect(decided.json()).toMatchObject({
    status: "approved",
    decisions: [{ approver: "bob@example.com", decision: "approve", comment: "go", at: "2026-03-01T14:22:00.000Z" }],
  });

  expect((await show(agent)).json().override_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  for (const other of [as("bob"), as("admin"), as("auditor"), await made.agent("deploy-manager", "another-session")]) {
    const response = await show(other);
    expect(response.json().status).toBe("approved");
    expect(response.body).not.toContain("override_token");
  }
  expect((await show(await made.agent("other-agent"))).statusCode).toBe(404);
});

test("an agent without a session of its own is in its open session", async () => {
  const response = await made.send({
    url: `/v1/approvals/${id}`,
    headers: { "x-api-key": "key-deploy-manager" },
  });
  expect(response.json().status).toBe("pending");
  await decide("bob");
  const later = await made.send({ url: `/v1/approvals/${id}`, headers: { "x-api-key": "key-deploy-manager" } });
  expect(later.json().status).toBe("approved");
  expect(later.body).not.toContain("override_token");
});

test("an approval for members of groups says so, and is answered by them", async () => {
  id = await made.here.open({ approvers: [["leads"], ["sre", "security"]], quorum: 1 });
  expect((await show(await made.agent("deploy-manager"))).json().approvers).toEqual([["leads"], ["sre", "security"]]);
  const response = await decide("bob");
  expect(response.statusCode).toBe(403);
  expect(response.json()).toMatchObject({
    reason: "not_in_group",
    detail: "only members of leads, and of sre or security answer this approval",
  });
  expect((await decide("carol")).json()).toMatchObject({
    status: "approved",
    approvers: [["leads"], ["sre", "security"]],
  });
});

test("GET and HEAD never decide", async () => {
  for (const url of [
    `/v1/approvals/${id}/decision`,
    `/v1/approvals/${id}/decision?decision=approve`,
    `/v1/approvals/${id}?decision=approve`,
  ]) {
    for (const method of ["GET", "HEAD"] as const) {
      const response = await made.send({ method, url, headers: as("bob") });
      expect(response.statusCode).toBeGreaterThanOrEqual(400);
    }
  }
  expect(await made.here.stored(id)).toMatchObject({ status: "pending", answers: [] });
});

describe("a decision is refused", () => {
  test("of the initiator, by any name", async () => {
    const response = await decide("alice");
    expect(response.statusCode).toBe(403);
    expect(response.json()).toEqual({
      type: "urn:countersign:Forbidden",
      title: "Forbidden",
      status: 403,
      detail: "nobody answers for a call of their own",
      error: "Forbidden",
      reason: "self_approval",
    });
  });

  test("when another one came first", async () => {
    await decide("bob", { decision: "deny" });
    const response = await decide("carol");
    expect([response.statusCode, response.json().reason]).toEqual([409, "decided"]);
    expect((await made.here.stored(id)).status).toBe("denied");
  });

  test("in all but one of a hundred at once", async () => {
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, i) => decide(i % 2 ? "bob" : "carol", { decision: i % 3 ? "approve" : "deny" })),
    );
    const statuses = responses.map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(99);
  });

  test("after the expiry", async () => {
    made.here.nowMs += 900_000;
    const response = await decide("bob");
    expect([response.statusCode, response.json().reason]).toEqual([410, "expired"]);
  });

  test.each(["apr_unknown", "%2e%2e", "a".repeat(80), "%00", "apr_1%2Fdecision"])(
    "of the approval %s",
    async (other) => {
      const response = await made.send({
        method: "POST",
        url: `/v1/approvals/${other}/decision`,
        headers: as("bob"),
        payload: { decision: "approve" },
      });
      expect([response.statusCode, response.json().reason]).toEqual([404, "not_found"]);
    },
  );

  test("when it cannot be recorded", async () => {
    made.here.records.broken = true;
    const response = await decide("bob");
    expect([response.statusCode, response.json().reason]).toEqual([503, "audit_unavailable"]);
    expect((await made.here.stored(id)).status).toBe("pending");
  });

  test.each<[string, unknown, number]>([
    ["no decision", {}, 400],
    ["another word", { decision: "approved" }, 400],
    ["a list", ["approve"], 400],
    ["a string", '"approve"', 400],
    ["null", "null", 400],
    ["an unknown member", { decision: "approve", force: true }, 400],
    ["a comment that is no string", { decision: "approve", comment: null }, 400],
    ["a comment with a line break", { decision: "approve", comment: "a\nb" }, 400],
    ["a comment too long", { decision: "approve", comment: "x".repeat(2001) }, 400],
    ["the decision twice", '{"decision":"deny","decision":"approve"}', 400],
    ["an escaped name", '{"decisio\\u006e":"approve"}', 400],
    ["__proto__", '{"__proto__":{"decision":"approve"}}', 400],
    ["trailing bytes", '{"decision":"approve"}x', 400],
    ["a byte order mark", '\ufeff{"decision":"approve"}', 400],
    ["nothing", "", 400],
    ["64 KiB", { decision: "approve", comment: "x".repeat(65_536) }, 413],
  ])("with %s", async (_name, payload, status) => {
    const response = await decide("bob", payload);
    expect(response.statusCode).toBe(status);
    expect(response.headers["content-type"]).toBe("application/problem+json");
    expect(response.json().status).toBe(status);
    expect((await made.here.stored(id)).status).toBe("pending");
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])(
    "in the content type %p",
    async (type) => {
      const response = await made.send({
        method: "POST",
        url: `/v1/approvals/${id}/decision`,
        headers: { ...as("bob"), "content-type": type },
        payload: '{"decision":"approve"}',
      });
      expect([response.statusCode, response.json().reason]).toEqual([415, "unsupported_content_type"]);
    },
  );
});

test.each(["status=open", "limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "agent=", "order=asc"])(
  "the list refuses ?%s",
  async (query) => {
    const response = await made.send({ url: `/v1/approvals?${query}`, headers: as("bob") });
    expect([response.statusCode, response.json().reason]).toEqual([400, "malformed_parameter"]);
  },
);

test("the list is bounded", async () => {
  await made.here.open();
  const response = await made.send({ url: "/v1/approvals?limit=1", headers: as("bob") });
  expect(response.json().approvals).toHaveLength(1);
});

test.each(["wait=soon", "wait=", "wait=-1s", "wait=30", "wait=1s&wait=2s", "waits=1s"])(
  "showing refuses ?%s",
  async (query) => {
    expect((await show(as("bob"), `?${query}`)).statusCode).toBe(400);
  },
);

describe("over a socket", () => {
  let base: string;
  beforeEach(() => {
    base = `http://${made.host}:${made.port}/v1/approvals/${id}`;
  });

  test("a long poll is answered soon after the decision", async () => {
    const started = performance.now();
    const waiting = fetch(`${base}?wait=30s`, { headers: await made.agent("deploy-manager") });
    await decide("bob");
    const view = (await (await waiting).json()) as { status: string; override_token: string };
    expect(view.status).toBe("approved");
    expect(view.override_token).toEqual(expect.any(String));
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("a long poll does not hold up the end of the server", async () => {
    const waiting = fetch(`${base}?wait=30s`, { headers: as("bob") });
    let polls = 0;
    const approval = made.here.store.approval;
    made.here.store.approval = (one) => {
      polls += 1;
      return approval(one);
    };
    await until(() => polls > 0, { what: "the first look" });
    const started = performance.now();
    await made.app.close();
    expect(((await (await waiting).json()) as { status: string }).status).toBe("pending");
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("a client that hangs up ends its long poll", async () => {
    let polls = 0;
    const approval = made.here.store.approval;
    made.here.store.approval = (one) => {
      polls += 1;
      return approval(one);
    };
    const abort = new AbortController();
    const waiting = fetch(`${base}?wait=30s`, { headers: as("bob"), signal: abort.signal });
    await until(() => polls > 0, { what: "the first look" });
    abort.abort();
    await expect(waiting).rejects.toThrow("aborted");
    // Long before the time that it asked for is over, nobody looks any more.
    const over = async () => {
      const before = polls;
      await sleep(1_000);
      return polls === before;
    };
    await until(over, { what: "the end of the looks", timeoutMs: 15_000 });
  });
});

test("the session of the requester is what its token proves", async () => {
  await decide("bob");
  expect((await show(await made.agent("deploy-manager", session.id))).json()).toHaveProperty("override_token");
  expect((await show(await made.agent("deploy-manager", "abc-124"))).json()).not.toHaveProperty("override_token");
});

import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deploy, take, tour } from "../demo/steps.js";
import type { Answer } from "../harness/http.js";
import { describeWith } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import type { CallRequest, Stack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { findParts, oneStack, payload } from "./suite.js";

const parts = await findParts();

const ulid = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const version = /^sha256:[0-9a-f]{64}$/;
const listed = (deploy("staging").json as { image: string }).image;
const unlisted = `registry.internal/shop@sha256:${"0".repeat(64)}`;
const createRole: CallRequest = { host: "aws.internal", path: "/iam", form: "Action=CreateRole&RoleName=x" };

describeWith(parts, "verdicts through the real Envoy and the real Redis", (use) => {
  let stack: Stack;
  oneStack(
    use,
    (running) => {
      stack = running;
    },
    async (folder) => {
      // As the reporter, without its limits.
      await appendFile(join(folder, "agents.yaml"), `  - {id: reader, scopes: ["reports:*"]}\n`);
      await writeFile(
        join(folder, "policies", "reader.yaml"),
        "agent: reader\ntools: [reports]\nactions: [{name: export}]\n",
      );
    },
  );

  const records = () => auditRecords(join(stack.folder, "var", "audit"));
  const recordOf = async (decisionId: unknown) =>
    (await records()).find(({ kind, decision_id }) => kind === "decision" && decision_id === decisionId);

  describe("the tour", () => {
    const answers = new Map<string, Answer>();

    test.each(tour().map((step) => [step.title, step] as const))("%s", async (title, step) => {
      const { answer, wrong } = await take(stack, step);
      answers.set(title, answer);
      expect(wrong).toBeUndefined();
      expect(stack.tool.requests).toHaveLength(step.status === 200 ? 1 : 0);
    });

    test("a spent rate says when to come back", () => {
      const answer = answers.get("poll a report (3 of 3 at once)");
      expect(answer).toMatchObject({ status: 429, headers: { "content-type": "application/problem+json" } });
      // Two a minute: the next one is due in half a minute at most.
      const after = Number(answer?.headers["retry-after"]);
      expect(after).toBeGreaterThan(20);
      expect(after).toBeLessThanOrEqual(30);
      expect(answer?.headers.ratelimit).toBe(`"rate";r=0;t=${after}`);
      expect(JSON.parse(answer?.body ?? "")).toMatchObject({ error: "RateLimited", decision: "deny" });
    });

    test("a spent budget says when the day ends", () => {
      const answer = answers.get("pay once more");
      const now = new Date();
      const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
      const left = Math.ceil((midnight - now.getTime()) / 1000);
      const after = Number(answer?.headers["retry-after"]);
      expect(Math.abs(after - left)).toBeLessThan(60);
      expect(answer?.headers.ratelimit).toBe(`"daily-budget";r=0;t=${after}`);
      expect(JSON.parse(answer?.body ?? "")).toMatchObject({ error: "BudgetExceeded", decision: "deny" });
    });
  });

  test("an allowed call tells the tool who decided, and keeps from it what is not its business", async () => {
    const answer = await stack.call("deploy-manager", {
      ...deploy("staging"),
      headers: {
        "x-countersign-decision": "sanitize",
        "x-countersign-decision-id": "mine",
        "x-countersign-policy-version": "mine",
        "x-countersign-agent": "root",
        "x-countersign-": "junk",
        "X-Countersign-Session": "other",
        "x-keep": "this",
      },
    });
    expect(answer.status).toBe(200);
    const [seen] = stack.tool.requests;
    const own = Object.entries(seen?.headers ?? {}).filter(([name]) => name.startsWith("x-countersign"));
    expect(Object.fromEntries(own)).toEqual({
      "x-countersign-decision": "allow",
      "x-countersign-decision-id": expect.stringMatching(ulid),
      "x-countersign-policy-version": expect.stringMatching(version),
    });
    expect(seen?.headers).not.toHaveProperty("authorization");
    expect(seen?.headers["x-keep"]).toBe("this");
    expect(seen?.rawHeaders.join("\n")).not.toMatch(/mine|junk|root|other|Bearer/);
    expect(JSON.parse(seen?.body.toString() ?? "")).toEqual(deploy("staging").json);

    expect(await recordOf(seen?.headers["x-countersign-decision-id"])).toMatchObject({
      agent_id: "deploy-manager",
      agent_model: "some-model-1",
      tool: "deploy-api",
      action: "deploy",
      environment: "staging",
      service: "shop",
      decision: "allow",
      enforced: "allow",
      mode: "enforce",
      reason: "allowed",
      outcome: "allowed",
      opa_decision: { policy_version: seen?.headers["x-countersign-policy-version"] },
      token: { sub: "deploy-manager", scope: "deploy-api:* aws:*" },
    });
  });

  test("200 replicas are refused in the documented form", async () => {
    const answer = await stack.call("deploy-manager", deploy("staging", { replicas: 200 }));
    expect(answer.status).toBe(403);
    expect(answer.headers).toMatchObject({ "content-type": "application/problem+json", "cache-control": "no-store" });
    const message = "replicas 200 is above max_replicas 50";
    const body = payload(answer);
    expect(body).toEqual({
      type: "urn:countersign:PolicyViolation",
      title: "Policy violation",
      status: 403,
      detail: message,
      error: "PolicyViolation",
      decision: "deny",
      reason: "max_replicas",
      violations: [{ rule: "max_replicas", param: "replicas", limit: 50, actual: 200, message }],
      decision_id: expect.stringMatching(ulid),
      policy_version: expect.stringMatching(version),
      agent_id: "deploy-manager",
      tool: "deploy-api",
      action: "deploy",
      next: expect.stringContaining("`violations`"),
    });
    expect(answer.headers["x-countersign-decision-id"]).toBe(body.decision_id);
    expect(stack.tool.requests).toEqual([]);
    expect(await recordOf(body.decision_id)).toMatchObject({ decision: "deny", enforced: "deny", outcome: "denied" });
  });

  test("an image nobody listed is refused, also beside one that is listed", async () => {
    for (const image of [unlisted, "registry.internal/shop:latest"]) {
      const answer = await stack.call("deploy-manager", deploy("staging", { image }));
      expect([answer.status, payload(answer).reason]).toEqual([403, "allowed_images"]);
    }
    const several = await stack.call("deploy-manager", deploy("staging", { image: [listed, unlisted] }));
    expect([several.status, payload(several).reason]).toEqual([403, "allowed_images"]);
    expect(stack.tool.requests).toEqual([]);
    expect((await stack.call("deploy-manager", deploy("staging", { image: [listed, listed] }))).status).toBe(200);
  });

  test("an action that a guardrail denies is refused for everybody", async () => {
    const answer = await stack.call("deploy-manager", createRole);
    expect(payload(answer)).toMatchObject({
      status: 403,
      reason: "deny_actions",
      tool: "aws",
      action: "iam:CreateRole",
    });
    expect(stack.tool.requests).toEqual([]);
  });

  test.each([
    ["a=1&access_token=s3cret&z=%41+b", "/v1/export?a=1&z=%41+b"],
    ["a=1&access%5Ftoken=s3cret&z=%41+b", "/v1/export?a=1&z=%41+b"],
    ["a=1&%61%63%63%65%73%73_token=s3cret", "/v1/export?a=1"],
    ["access%5ftoken=s3cret", "/v1/export"],
    ["Access_Token=kept&b=%2526", "/v1/export?Access_Token=kept&b=%2526"],
  ])("of the query %s the tool sees %s", async (query, url) => {
    const answer = await stack.call("reader", {
      host: "reports.internal",
      path: `/v1/export?${query}`,
      headers: { "x-debug-token": "s3cret" },
    });
    expect(answer.status).toBe(200);
    const [seen] = stack.tool.requests;
    expect(seen?.url).toBe(url);
    expect(seen?.headers["x-countersign-decision"]).toBe("sanitize");
    expect(seen?.headers).not.toHaveProperty("x-debug-token");
    expect(JSON.stringify(seen?.rawHeaders)).not.toContain("s3cret");
    const record = await recordOf(seen?.headers["x-countersign-decision-id"]);
    expect(record).toMatchObject({ decision: "sanitize", reason: "sanitized", outcome: "allowed" });
    expect(JSON.stringify(record)).not.toContain("s3cret");
  });

  test("every repetition of a removed header goes", async () => {
    const headers = { "x-debug-token": ["s3cret", "s3cret2"] } as unknown as Record<string, string>;
    expect((await stack.call("reader", { host: "reports.internal", path: "/v1/export", headers })).status).toBe(200);
    expect(stack.tool.requests[0]?.rawHeaders.join()).not.toMatch(/s3cret|debug/i);
  });

  test("an agent in shadow passes, and what it would have met is on record", async () => {
    expect((await stack.call("release-bot", deploy("production", { replicas: 200 }))).status).toBe(200);
    const [seen] = stack.tool.requests;
    expect(seen?.headers["x-countersign-decision"]).toBe("allow");
    expect(await recordOf(seen?.headers["x-countersign-decision-id"])).toMatchObject({
      agent_id: "release-bot",
      decision: "deny",
      enforced: "allow",
      mode: "shadow",
      reason: "allowed_environments",
      outcome: "allowed",
    });
  });

  test("without a credential, or with a wrong one, the answer names the scheme", async () => {
    const missing = await stack.call(null, deploy("staging"));
    expect(missing.headers["www-authenticate"]).toBe('Bearer realm="countersign"');
    expect(payload(missing)).toMatchObject({ status: 401, error: "Unauthenticated", reason: "credential_missing" });
    const token = await stack.token("deploy-manager");
    const forged = `${token.slice(0, -4)}${token.endsWith("AAAA") ? "BBBB" : "AAAA"}`;
    const wrong = await stack.call(null, { ...deploy("staging"), headers: { authorization: `Bearer ${forged}` } });
    expect(payload(wrong)).toMatchObject({ status: 401, error: "Unauthenticated", reason: "token_invalid" });
    expect(wrong.headers["www-authenticate"]).toBe(
      'Bearer realm="countersign", error="invalid_token", error_description="token_invalid"',
    );
    expect(payload(wrong)).toMatchObject({ agent_id: null, tool: null, action: null });
    expect(stack.tool.requests).toEqual([]);
  });

  test("a token with less scope than its agent is held to its own", async () => {
    const narrow = await stack.token("deploy-manager", "--scope", "deploy-api:status");
    const headers = { authorization: `Bearer ${narrow}` };
    const answer = await stack.call(null, { ...deploy("staging"), headers });
    expect(payload(answer)).toMatchObject({ status: 403, reason: "scope_exceeded", agent_id: "deploy-manager" });
  });

  test("an API key works as soon as its hash is saved, and the tool never sees it", async () => {
    const made = await stack.countersign("agent", "key", "deploy-manager", "--json", "--config", stack.config);
    expect(made.code).toBe(0);
    const { api_key, sha256 } = JSON.parse(made.stdout) as { api_key: string; sha256: string };
    const call = () => stack.call(null, { ...deploy("staging"), headers: { "x-api-key": api_key } });
    expect(payload(await call())).toMatchObject({ status: 401, reason: "api_key_unknown" });

    const file = join(stack.folder, "agents.yaml");
    const agents = await readFile(file, "utf8");
    const entry = 'scopes: ["deploy-api:*", "aws:*"]';
    expect(agents).toContain(entry);
    await writeFile(file, agents.replace(entry, `${entry}, api_keys: [{sha256: "${sha256}"}]`));
    await until(async () => (await call()).status === 200, { what: "the key to work" });
    expect(stack.tool.requests[0]?.rawHeaders.join("\n")).not.toContain(api_key);
    expect(stack.tool.requests[0]?.headers).not.toHaveProperty("x-api-key");
  });

  test("Envoy's access log names the decision", async () => {
    const denied = payload(await stack.call("deploy-manager", deploy("staging", { replicas: 200 })));
    const line = await until(
      () => stack.envoy.accessLog().find(({ decision_id }) => decision_id === denied.decision_id),
      { what: "the line of the access log" },
    );
    expect(line).toMatchObject({
      method: "POST",
      host: "deploy.internal",
      path: "/v1/deploy",
      status: 403,
      decision: "deny",
      reason: "max_replicas",
      agent_id: "deploy-manager",
      tool: "deploy-api",
      action: "deploy",
      policy_version: denied.policy_version,
      upstream: null,
    });
    await stack.call("deploy-manager", deploy("staging"));
    const id = stack.tool.requests[0]?.headers["x-countersign-decision-id"];
    const passed = await until(() => stack.envoy.accessLog().find(({ decision_id }) => decision_id === id), {
      what: "the line of the access log",
    });
    expect(passed).toMatchObject({ status: 200, decision: "allow", reason: "allowed" });
    expect(passed.upstream).not.toBeNull();
  });

  test("the records of all of this verify", async () => {
    const key = join(stack.folder, "var", "audit.jwk");
    const { code, stdout } = await stack.countersign(
      "audit",
      "verify",
      join(stack.folder, "var", "audit"),
      "--key",
      key,
    );
    expect([code, stdout]).toEqual([0, expect.stringContaining("every signature and every link holds")]);
  });
});

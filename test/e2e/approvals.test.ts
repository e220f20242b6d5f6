import { join } from "node:path";
import { deploy } from "../demo/steps.js";
import { describeWith } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import type { CallRequest, Stack } from "../harness/stack.js";
import { findParts, oneStack, payload } from "./suite.js";

const parts = await findParts();

describeWith(parts, "approvals over HTTP, with the real Envoy and the real Redis", (use) => {
  let stack: Stack;
  oneStack(use, (running) => {
    stack = running;
  });

  const agentAsks = async (agent: string, path: string) => stack.ask(await stack.token(agent), path);
  const production = (service: string) => deploy("production", { service });
  const open = async (service: string): Promise<string> => {
    const body = payload(await stack.call("deploy-manager", production(service)));
    expect(body).toMatchObject({ status: 403, error: "ApprovalNeeded", decision: "approval_needed" });
    return body.approval?.id ?? "";
  };
  const answer = (id: string, decision: string, token = stack.people.approver) =>
    stack.ask(token, `/v1/approvals/${id}/decision`, { decision, comment: "looked at it" });
  const withToken = (service: string, override: string): CallRequest => ({
    ...production(service),
    headers: { "x-countersign-override": override },
  });

  describe("a call that needs one", () => {
    let first: Record<string, unknown>;
    let id: string;
    let override: string;

    test("is refused with where to look, and asks once however often it is repeated", async () => {
      const refused = await stack.call("deploy-manager", production("shop"));
      first = payload(refused);
      id = (first.approval as { id: string }).id;
      expect(first).toMatchObject({
        title: "Approval needed",
        reason: "approval_needed",
        approval: {
          id: expect.stringMatching(/^apr_/),
          status_url: `${stack.api}/v1/approvals/${id}`,
          expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
          poll_after_s: 2,
        },
      });
      expect(refused.headers["x-countersign-decision"]).toBe("approval_needed");
      expect(await open("shop")).toBe(id);
      expect(stack.tool.requests).toEqual([]);
    });

    test("is shown to approvers with what it would do", async () => {
      const listed = await stack.ask(stack.people.approver, "/v1/approvals?status=pending");
      const { approvals } = JSON.parse(listed.body) as { approvals: { id: string }[] };
      expect(approvals).toEqual([
        expect.objectContaining({
          id,
          status: "pending",
          reason: "approval_needed",
          requested_by: { agent: "deploy-manager" },
          decisions: [],
        }),
      ]);
      expect(JSON.stringify(approvals)).toContain(`"service":"shop"`);
      expect((await agentAsks("deploy-manager", `/v1/approvals/${id}`)).body).not.toContain("override_token");
    });

    test("is waited for until somebody approves it, and then there is a token for the agent only", async () => {
      const asked = agentAsks("deploy-manager", `/v1/approvals/${id}?wait=30s`);
      const early = await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 400, "waiting"))]);
      expect(early).toBe("waiting");
      const since = performance.now();
      const given = await answer(id, "approve");
      expect([given.status, JSON.parse(given.body).status]).toEqual([200, "approved"]);
      expect(given.body).not.toContain("override_token");
      const shown = JSON.parse((await asked).body);
      expect(performance.now() - since).toBeLessThan(15_000);
      expect(shown).toMatchObject({
        id,
        status: "approved",
        decisions: [{ approver: "alice@example.com", decision: "approve", comment: "looked at it" }],
      });
      override = shown.override_token;
      expect(override).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      expect((await answer(id, "deny")).status).toBe(409);
    });

    test("passes exactly once with it, of many at the same time", async () => {
      const rush = await Promise.all(
        Array.from({ length: 8 }, () => stack.call("deploy-manager", withToken("shop", override))),
      );
      expect(rush.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403, 403, 403, 403]);
      const refused = rush.filter(({ status }) => status === 403).map(payload);
      expect(new Set(refused.map(({ reason }) => reason))).toEqual(new Set(["override_used"]));
      expect(stack.tool.requests).toHaveLength(1);
      const [seen] = stack.tool.requests;
      expect(JSON.stringify(seen?.rawHeaders)).not.toContain(override);
      expect(seen?.headers["x-countersign-decision"]).toBe("allow");

      const again = payload(await stack.call("deploy-manager", withToken("shop", override)));
      expect(again).toMatchObject({ status: 403, error: "PolicyViolation", reason: "override_used" });
      const after = JSON.parse((await agentAsks("deploy-manager", `/v1/approvals/${id}`)).body);
      expect(after.status).toBe("consumed");
      expect(after).not.toHaveProperty("override_token");
    });

    test("leaves a trail from question to call, without the token", async () => {
      const trail = await auditRecords(join(stack.folder, "var", "audit"));
      const asked = trail.find(({ decision_id }) => decision_id === first.decision_id);
      const allowed = trail.find(({ approval_id, decision }) => approval_id === id && decision === "allow");
      expect(asked).toMatchObject({ decision: "approval_needed", outcome: "pending", approval_id: id });
      expect(allowed).toMatchObject({
        decision: "allow",
        human_approval: [{ approver: "alice@example.com", approval_id: id }],
        deployment_id: asked?.deployment_id,
      });
      expect(trail.filter(({ kind }) => kind === "approval")).toEqual([
        expect.objectContaining({ approval_id: id, approver: "alice@example.com", outcome: "approved" }),
      ]);
      expect(JSON.stringify(trail)).not.toContain(override);
    });
  });

  test("one byte more in the body is another call", async () => {
    const id = await open("byte");
    await answer(id, "approve");
    const override = JSON.parse((await agentAsks("deploy-manager", `/v1/approvals/${id}`)).body).override_token;
    const text = `${JSON.stringify(production("byte").json)} `;
    const headers = { "x-countersign-override": override, "content-type": "application/json" };
    const longer: CallRequest = { host: "deploy.internal", path: "/v1/deploy", form: text, headers };
    const body = payload(await stack.call("deploy-manager", longer));
    expect(body).toMatchObject({ status: 403, error: "ApprovalNeeded" });
    expect(body.approval?.id).not.toBe(id);
    expect((await stack.call("deploy-manager", withToken("byte", override))).status).toBe(200);
  });

  test("a denial ends it, and the next call asks anew", async () => {
    const id = await open("denied");
    const asked = agentAsks("deploy-manager", `/v1/approvals/${id}?wait=30s`);
    const given = await answer(id, "deny");
    expect([given.status, JSON.parse(given.body).status]).toEqual([200, "denied"]);
    const shown = JSON.parse((await asked).body);
    expect(shown).toMatchObject({ status: "denied", decisions: [{ decision: "deny" }] });
    expect(shown).not.toHaveProperty("override_token");
    expect(await open("denied")).not.toBe(id);
    expect(stack.tool.requests).toEqual([]);
  });

  test("only an approver answers, and who started the session does not", async () => {
    const id = await open("access");
    expect((await answer(id, "approve", stack.people.viewer)).status).toBe(403);
    expect((await answer(id, "approve", await stack.token("deploy-manager"))).status).toBe(403);
    expect((await answer(id, "approve", "cst_unknown")).status).toBe(401);
    expect((await stack.ask(stack.people.viewer, "/v1/approvals")).status).toBe(403);
    expect((await stack.ask(await stack.token("deploy-manager"), "/v1/approvals")).status).toBe(403);
    expect((await agentAsks("reporter", `/v1/approvals/${id}`)).status).toBe(404);
    expect((await agentAsks("reporter", `/v1/approvals/${id}?wait=5s`)).status).toBe(404);
    const shown = JSON.parse((await agentAsks("deploy-manager", `/v1/approvals/${id}`)).body);
    expect(shown).toMatchObject({ status: "pending", decisions: [] });

    const token = await stack.token("deploy-manager", "--initiated-by", "alice@example.com");
    const headers = { authorization: `Bearer ${token}` };
    const own = payload(await stack.call(null, { ...production("own"), headers }));
    expect((await answer(own.approval?.id ?? "", "approve")).status).toBe(403);
  });

  test("another session of the same agent neither reads nor uses the token", async () => {
    const id = await open("session");
    await answer(id, "approve");
    const path = `/v1/approvals/${id}`;
    const override = JSON.parse((await agentAsks("deploy-manager", path)).body).override_token;
    const other = await stack.token("deploy-manager", "--session", "other");
    expect((await stack.ask(other, path)).body).not.toContain("override_token");
    const headers = { authorization: `Bearer ${other}`, "x-countersign-override": override };
    const answered = await stack.call(null, { ...production("session"), headers });
    expect(payload(answered)).toMatchObject({ status: 403, reason: "override_invalid" });
    expect(stack.tool.requests).toEqual([]);
    expect((await stack.call("deploy-manager", withToken("session", override))).status).toBe(200);
  });
});

import { appendFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import type { CallRequest, Stack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { findParts, oneStack, payload } from "./suite.js";

const opa = await requirePart("opa", findOpa);
// The server compiles users' Rego with the program of this name.
if ("value" in opa) process.env.OPA_BIN = opa.value.program;
const parts = "value" in opa ? await findParts() : opa;

const policy = `
agent: courier
egress: {allow: ["*.internal", "203.0.113.7:443"]}
actions:
  - name: send
    dlp: {email: redact, payment_card: deny, order: {action: redact, pattern: "ORD-[0-9]{6}"}}
    sanitize: {headers: {redact: [x-operator]}, query: {redact: [who]}}
  - name: build
    rego: [agent.build]
  - name: endless
    rego: [agent.endless]
`;
const build = `
package agent.build

default allow := false

allow if input.facts.tests_passed == true

requires_human_approval if input.params.target == "production"

deny if input.params.target == "nowhere"
`;
const endless = `
package agent.endless

allow if count([x | some x in input.params.list; some y in input.params.list; some z in input.params.list; x + y == z]) > 1e9
`;

describeWith(parts, "the policy language through the real Envoy and the real Redis", (use) => {
  let stack: Stack;
  oneStack(
    use,
    (running) => {
      stack = running;
    },
    async (folder) => {
      await appendFile(join(folder, "agents.yaml"), `  - {id: courier, scopes: ["*:*"]}\n`);
      await writeFile(join(folder, "policies", "courier.yaml"), policy);
      await writeFile(join(folder, "policies", "build.rego"), build);
      await writeFile(join(folder, "policies", "endless.rego"), endless);
    },
  );

  const post = (action: string, json: object, more: Partial<CallRequest> = {}): CallRequest => ({
    host: "deploy.internal",
    path: `/v1/${action}`,
    json: { environment: "staging", ...json },
    ...more,
  });

  test("what must not leave is redacted in headers and in the query before the tool sees it", async () => {
    const answer = await stack.call("courier", {
      host: "reports.internal",
      path: "/v1/send?to=jane%40example.com&who=jane&%6Fther=ORD-123456&page=2",
      headers: { "x-note": "for jane@example.com, order ORD-123456", "x-operator": "jane" },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers["x-countersign-decision"]).toBeUndefined();
    const [seen] = stack.tool.requests;
    expect(seen?.headers).toMatchObject({ "x-note": "for [email], order [order]", "x-operator": "[redacted]" });
    const query = new URLSearchParams(seen?.url.split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      to: "redacted.email",
      who: "redacted",
      other: "redacted.order",
      page: "2",
    });
    const kept = JSON.stringify((await auditRecords(join(stack.folder, "var", "audit"))).at(-1));
    expect(kept).toContain("[email]");
    expect(kept).not.toMatch(/jane@example|jane%40|ORD-123456/);
  });

  test("in a body it cannot be redacted, so the call is refused", async () => {
    const answer = await stack.call("courier", post("send", { note: "jane@example.com" }));
    expect(answer.status).toBe(403);
    expect(payload(answer)).toMatchObject({
      reason: "dlp",
      detail: "params.note holds email, which cannot be redacted there",
      violations: [{ rule: "dlp", limit: "email", actual: [{ in: "params", name: "note" }] }],
    });
    expect(stack.tool.requests).toEqual([]);
  });

  test("users' Rego decides by what is proven, not by what is claimed", async () => {
    const claimed = await stack.call("courier", post("build", { tests_passed: true, facts: { tests_passed: true } }));
    expect(claimed.status).toBe(403);
    expect(payload(claimed)).toMatchObject({ reason: "rego", detail: "package agent.build does not allow the call" });
    const asked = await stack.call("courier", post("build", { target: "production" }));
    expect(payload(asked)).toMatchObject({ decision: "approval_needed", violations: [{ limit: "agent.build" }] });
    const denied = await stack.call("courier", post("build", { target: "nowhere" }));
    expect(payload(denied)).toMatchObject({ reason: "rego", detail: "package agent.build denies the call" });
  });

  test("an endless rule denies its own call, and others go on meanwhile", async () => {
    const list = Array.from({ length: 4_000 }, (_, i) => i);
    const slow = stack.call("courier", post("endless", { list }));
    const others = await Promise.all(
      [1, 2, 3].map(() => stack.call("courier", post("send", { note: "nothing in particular" }))),
    );
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200]);
    const answer = await slow;
    expect(answer.status).toBe(403);
    expect(payload(answer)).toMatchObject({ reason: "rego" });
    expect(payload(answer).detail).toMatch(/^package agent\.endless could not be evaluated: (deadline|error)$/);
    // The thread that was ended is replaced.
    const again = await stack.call("courier", post("build", { target: "production" }));
    expect(payload(again)).toMatchObject({ decision: "approval_needed" });
  });

  test("a mistake in Rego leaves the last good policies serving, and tells its place", async () => {
    // At once, as an operator's tools do: half a file is another mistake, and the server may look in between.
    const file = join(stack.folder, "policies", "build.rego");
    await writeFile(`${file}.new`, `${build}\nleak if http.send({}).status_code == 200\n`);
    await rename(`${file}.new`, file);
    const trouble = await until(
      async () => {
        const { body } = await stack.ask(stack.people.viewer, "/readyz");
        return JSON.parse(body).state.files.policies as string | undefined;
      },
      { what: "readiness to tell of it", timeoutMs: 30_000 },
    );
    expect(trouble).toMatch(/^build\.rego:\d+:\d+: the builtin http\.send is not allowed/);
    const asked = await stack.call("courier", post("build", { target: "production" }));
    expect(payload(asked)).toMatchObject({ decision: "approval_needed" });
    await writeFile(file, build);
  });
});

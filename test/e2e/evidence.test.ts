import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Hex } from "../../src/canonical.js";
import type { AgentScopes } from "../../src/evidence/scopes.js";
import { deploy as deployment } from "../demo/steps.js";
import { describeWith } from "../harness/parts.js";
import { type AuditLine, auditSegments, everyRecord } from "../harness/records.js";
import type { Stack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { findParts, oneStack, payload } from "./suite.js";

const parts = await findParts();
const deploymentId = "release-42";
const auditor = "cst_a-token-of-somebody-who-audits";

interface Place {
  seq: number;
  kind: string;
  decision_id: string | null;
  sha256: string;
}
interface Evidence {
  signatures: string;
  verified: boolean;
  answers: { question: string; status: string; answer: string; facts: Record<string, unknown>; records: Place[] }[];
}

describeWith(parts, "the five questions about a deployment, with the real Envoy and the real server", (use) => {
  let stack: Stack;
  let audit: string;
  let key: string;
  let records: AuditLine[];
  let approvalId: string;

  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (agent: string) => {
    const session = ["--session", `s-${agent}`, "--workflow-run", "run-7", "--initiated-by", "vic@example.com"];
    const token = tokens.get(agent) ?? stack.token(agent, ...session);
    tokens.set(agent, token);
    return token;
  };
  const deploy = async (agent: string, environment: string, more: object, headers: Record<string, string> = {}) =>
    stack.call(null, {
      ...deployment(environment, { image_tag: "42.0", deployment_id: deploymentId, ...more }),
      headers: { authorization: `Bearer ${await tokenOf(agent)}`, ...headers },
    });
  const answer = async (...options: string[]) => {
    const { code, stdout } = await stack.countersign(
      ...["audit", "answer", "--deployment", deploymentId, "--audit", audit, "--key", key, ...options],
    );
    return { code, stdout };
  };
  const of = ({ answers }: Evidence, question: string) => {
    const found = answers.find((one) => one.question === question);
    if (!found) throw new Error(`no answer to ${question}`);
    return found;
  };
  const idsOf = (places: Place[]) => places.map(({ seq }) => records[seq - 1]).map((record) => record?.kind);

  oneStack(
    use,
    async (running) => {
      stack = running;
      audit = join(stack.folder, "var", "audit");
      key = join(stack.folder, "var", "audit.jwk");
      expect((await deploy("release-bot", "staging", { replicas: 9 })).status).toBe(200);
      expect(payload(await deploy("deploy-manager", "staging", { replicas: 200 })).reason).toBe("max_replicas");
      const asked = payload(await deploy("deploy-manager", "production", { replicas: 3 }));
      approvalId = asked.approval?.id ?? "";
      const given = { decision: "approve", comment: "release 42" };
      await stack.ask(stack.people.approver, `/v1/approvals/${approvalId}/decision`, given);
      const shown = await stack.ask(await tokenOf("deploy-manager"), `/v1/approvals/${approvalId}?wait=10s`);
      const { override_token: override } = JSON.parse(shown.body) as { override_token: string };
      const last = await deploy(
        "deploy-manager",
        "production",
        { replicas: 3 },
        { "x-countersign-override": override },
      );
      expect(last.status).toBe(200);
      const ended = async () => (await everyRecord(audit)).filter(({ kind }) => kind === "outcome").length === 2;
      await until(ended, { what: "the outcomes of both calls", timeoutMs: 30_000 });
      records = await everyRecord(audit);
    },
    async (folder) => {
      const detectors = 'guardrail: true\nactions:\n  - name: "*"\n    dlp: {email: tag}\n';
      await writeFile(join(folder, "policies", "dlp.yaml"), detectors);
      const person = `  - {id: aud@example.com, access: [auditor], tokens: [{sha256: "${sha256Hex(auditor)}"}]}\n`;
      await appendFile(join(folder, "people.yaml"), person);
    },
  );

  test("are answered with the records that prove it, each with its hash", async () => {
    const { code, stdout } = await answer("--json");
    const evidence = JSON.parse(stdout) as Evidence;
    expect([code, evidence.verified, evidence.signatures]).toEqual([0, true, "hold"]);
    const own = records.filter((record) => record.kind === "decision" && record.deployment_id === deploymentId);
    expect(own.map(({ decision, enforced }) => [decision, enforced])).toEqual([
      ["deny", "allow"],
      ["deny", "deny"],
      ["approval_needed", "approval_needed"],
      ["allow", "allow"],
    ]);
    const [shadow, refused, asked, last] = own.map(({ decision_id: id }) => id);

    const deployed = of(evidence, "deployed");
    const named = (environment: string) => `deploy-api:deploy (service shop, image 42.0, environment ${environment})`;
    expect([deployed.status, deployed.answer]).toEqual([
      "yes",
      `2 calls let through: ${named("staging")} succeeded with status 200 and ${named("production")} succeeded with status 200.`,
    ]);
    expect(idsOf(deployed.records)).toEqual(["decision", "outcome", "decision", "outcome"]);
    expect(records[(deployed.records.at(-1)?.seq ?? 0) - 1]).toMatchObject({ decision_id: last, status: 200 });
    expect(deployed.facts).toMatchObject({
      calls: [
        { decision_id: shadow, environment: "staging", params: { replicas: 9 }, upstream_status: 200 },
        {
          decision_id: last,
          tool: "deploy-api",
          action: "deploy",
          service: "shop",
          image_tag: "42.0",
          environment: "production",
          params: { replicas: 3 },
          outcome: "succeeded",
          upstream_status: 200,
        },
      ],
      stopped: 2,
    });

    const authorised = of(evidence, "authorised");
    const manager = "agent deploy-manager, in a session started by vic@example.com";
    const bot = "agent release-bot, in a session started by vic@example.com";
    const nobody = `1 call of ${bot} went through in shadow mode although policies said no or asked for people`;
    expect([authorised.status, authorised.answer]).toEqual([
      "partly",
      `It was ${manager}, with the approval of alice@example.com; nobody authorised the rest: ${nobody}.`,
    ]);
    expect(authorised.facts).toMatchObject({
      agents: [
        { agent_id: "release-bot" },
        {
          agent_id: "deploy-manager",
          agent_model: "some-model-1",
          session_id: "s-deploy-manager",
          workflow_run_id: "run-7",
          token: { sub: "deploy-manager", jti: expect.any(String), scope: "deploy-api:* aws:*" },
        },
      ],
      initiated_by: ["vic@example.com"],
      people: [{ approver: "alice@example.com", approval_id: approvalId, comment: "release 42", recorded: true }],
      answers: [{ decision: "approve", outcome: "approved", shown: expect.stringMatching(/^sha256:/) }],
    });
    expect(idsOf(authorised.records)).toEqual(["decision", "approval", "decision"]);

    const within = of(evidence, "within_policy");
    expect([within.status, within.answer]).toEqual([
      "partly",
      `Partly: ${named("production")} was allowed by the policies then in force, with the approval of alice@example.com; ` +
        `1 call went through in shadow mode against policy (max_replicas): ${named("staging")}; ` +
        "2 calls were stopped (max_replicas and approval_needed).",
    ]);
    expect(within.facts).toMatchObject({
      verdicts: [
        { decision_id: shadow, decision: "deny", enforced: "allow", mode: "shadow" },
        { decision_id: last, decision: "allow", mode: "enforce" },
      ],
      refused: [
        { decision_id: refused, reason: "max_replicas" },
        { decision_id: asked, reason: "approval_needed" },
      ],
      policy_versions: [{ policy_version: expect.stringMatching(/^sha256:/), loaded_at: records[0]?.timestamp }],
    });
    expect(idsOf(within.records)[0]).toBe("policy");

    const normal = of(evidence, "normal");
    expect([normal.status, normal.answer]).toEqual([
      "yes",
      "Yes: the sessions were clean; 1 call was refused (max_replicas), which alone is no anomaly.",
    ]);
    expect(normal.facts).toMatchObject({ session_integrity: ["clean"], refused_calls: 1, indicators: [] });

    const sensitive = of(evidence, "sensitive");
    expect([sensitive.status, sensitive.answer, sensitive.facts]).toMatchObject([
      "no",
      "No: its calls are about config, the session had access to nothing else before, and detectors found nothing.",
      { data_classification: ["config"], found_in_calls: [], searched_by_detectors: true },
    ]);

    const lines = (await Promise.all((await auditSegments(audit)).map((path) => readFile(path, "utf8")))).join("");
    const hashes = lines.split("\n").map((line) => sha256Hex(line));
    for (const { records: proof } of evidence.answers) {
      expect(proof.length).toBeGreaterThan(0);
      for (const { seq, sha256 } of proof) expect(hashes[seq - 1]).toBe(sha256);
    }
  });

  test("are printed for people, and refused without a key", async () => {
    const { code, stdout } = await answer();
    expect(code).toBe(0);
    // In the first minute no heads may be stated yet.
    expect(stdout).toMatch(
      /^Every signature and every link of the records holds\.\n(No heads .*\n)?Deployment release-42, /,
    );
    for (const text of ["1. What was deployed?", "5. Did it touch sensitive data?", "alice@example.com"]) {
      expect(stdout).toContain(text);
    }
    const plain = ["audit", "answer", "--deployment", deploymentId, "--audit", audit];
    expect((await stack.countersign(...plain)).code).toBe(2);
    const loud = await stack.countersign(...plain, "--unverified");
    expect([loud.code, loud.stdout.startsWith("NOT VERIFIED")]).toEqual([0, true]);
    const unknown = await stack.countersign("audit", "answer", "--deployment", "x", "--audit", audit, "--key", key);
    expect([unknown.code, unknown.stdout]).toEqual([1, expect.stringContaining("No record tells")]);
  });

  test("are the same over HTTP, for auditors", async () => {
    const path = `/v1/audit/deployments/${deploymentId}`;
    expect((await stack.ask(stack.people.viewer, path)).status).toBe(403);
    expect((await stack.ask(await tokenOf("deploy-manager"), path)).status).toBe(403);
    const served = await stack.ask(auditor, path);
    expect(served.status).toBe(200);
    const printed = JSON.parse((await answer("--json")).stdout);
    const { problems: _, uncovered: __, ...same } = printed;
    expect(JSON.parse(served.body)).toEqual({ ...same, verified: false });
    expect((await stack.ask(auditor, "/v1/audit/deployments/none")).status).toBe(404);
  });

  test("rest on records that a search finds, page by page", async () => {
    const found: unknown[] = [];
    let cursor = "";
    do {
      const page = await stack.ask(auditor, `/v1/audit?deployment_id=${deploymentId}&limit=1${cursor}`);
      const { records: some, next } = JSON.parse(page.body) as { records: AuditLine[]; next: string | null };
      found.push(...some);
      cursor = next === null ? "" : `&cursor=${next}`;
    } while (cursor !== "");
    expect(found).toEqual(records.filter((record) => record.deployment_id === deploymentId).reverse());
    expect((await stack.ask(stack.people.viewer, "/v1/audit")).status).toBe(403);
    expect((await stack.ask(await tokenOf("deploy-manager"), "/v1/audit")).status).toBe(403);
  });

  test("and what agents were granted is compared with what they used", async () => {
    const { agents } = JSON.parse((await stack.ask(auditor, "/v1/audit/scopes")).body) as { agents: AgentScopes[] };
    const manager = agents.find(({ agent_id: id }) => id === "deploy-manager");
    expect(manager?.grants).toEqual([
      { scope: "deploy-api:*", calls: 1, last: expect.any(String), enough: ["deploy-api:deploy"] },
      { scope: "aws:*", calls: 0, last: null, enough: [] },
    ]);
    const printed = await stack.countersign("audit", "scopes", "--config", stack.config, "--json");
    expect(JSON.parse(printed.stdout).agents).toEqual(agents);
  });

  test("have no answer once a record was changed", async () => {
    const [segment] = await auditSegments(audit);
    if (segment === undefined) throw new Error("no segment");
    const text = await readFile(segment, "utf8");
    const changed = text.replace('"image_tag":"42.0"', '"image_tag":"41.9"');
    expect(changed).not.toBe(text);
    await stack.server.stop();
    await writeFile(segment, changed);
    const { code, stdout } = await answer("--json");
    await writeFile(segment, text);
    const evidence = JSON.parse(stdout) as Evidence;
    expect([code, evidence.verified, evidence.signatures]).toEqual([1, false, "broken"]);
    expect(new Set(evidence.answers.map(({ status }) => status))).toEqual(new Set(["unknown"]));
  });
});

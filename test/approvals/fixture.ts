import { createHash } from "node:crypto";
import { type ApprovalsService, approvalsService } from "../../src/approvals/service.js";
import { type AuditSink, AuditUnavailable, type RecordDraft } from "../../src/audit/record.js";
import type { Call, Identity } from "../../src/call.js";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import type { Escalation } from "../../src/outcome.js";
import { loadRegistry } from "../../src/registry/load.js";
import type { Person, Registry } from "../../src/registry/registry.js";
import { memoryStore } from "../../src/store/memory.js";
import type { Approval, Store } from "../../src/store/store.js";

export const hash = (text: string) => createHash("sha256").update(text).digest("hex");

export const registry = loadRegistry({
  agents: {
    file: "agents.yaml",
    text: `agents:
  - {id: deploy-manager, scopes: ["*:*"], api_keys: [{sha256: ${hash("key-deploy-manager")}}]}
  - {id: other-agent, scopes: ["*:*"], api_keys: [{sha256: ${hash("key-other-agent")}}]}
`,
  },
  people: {
    file: "people.yaml",
    text: `people:
  - {id: alice@example.com, aliases: [alice, U0A], access: [approver], tokens: [{sha256: ${hash("token-alice")}}]}
  - {id: bob@example.com, aliases: [bob], access: [approver], groups: [sre], tokens: [{sha256: ${hash("token-bob")}}]}
  - {id: carol@example.com, access: [approver, admin], groups: [leads, sre], tokens: [{sha256: ${hash("token-carol")}}]}
  - {id: dan@example.com, access: [approver], groups: [security], tokens: [{sha256: ${hash("token-dan")}}]}
  - {id: audit@example.com, access: [auditor], tokens: [{sha256: ${hash("token-auditor")}}]}
  - {id: view@example.com, access: [viewer], tokens: [{sha256: ${hash("token-viewer")}}]}
  - {id: root@example.com, access: [admin], tokens: [{sha256: ${hash("token-admin")}}]}
  - {id: nothing@example.com, tokens: [{sha256: ${hash("token-nothing")}}]}
`,
  },
});

export function person(name: string): Person {
  const found = registry.person(name);
  if (!found) throw new Error(`nobody is called ${name}`);
  return found;
}

export const call: Call = {
  tool: "deploy-api",
  action: "deploy",
  environment: "production",
  service: "shop",
  image_tag: null,
  deployment_id: "dep-1",
  amount: null,
  images: ["shop@sha256:aa"],
  params: { replicas: 3, note: "<b>\u202egnp.exe" },
  fromQuery: [],
  body: {},
  destination: { host: "deploy.internal", port: 443, scheme: "https" },
  http: {
    method: "POST",
    path: "/v1/deploy",
    query: [{ raw: "a%20b", name: "a b", value: "1" }],
    headers: [{ name: "authorization", value: "Bearer secret" }],
    content_type: "application/json",
    body_sha256: hash("{}"),
  },
  costMicro: 0,
  classification: [],
};

/** The same session as records have it. */
export const attestedSession = {
  agent_id: "deploy-manager",
  session_id: "abc-123",
  bound: true,
  initiated_by: "alice",
  data_classification: ["config"],
  anomalies_detected: false,
  session_integrity: "clean",
} as const;

export const session = { id: "abc-123", bound: true, initiated_by: "alice" };

export function identity(agent: string): Identity {
  return {
    agent: { id: agent, scopes: ["*:*"], roles: [] },
    credential: "bearer_jwt",
    credentialHeader: "authorization",
    session: { id: session.id },
    facts: {},
  };
}

/** Keeps what is appended, until told to fail. */
export class Records implements AuditSink {
  readonly kept: RecordDraft[] = [];
  broken = false;

  async append(draft: RecordDraft): Promise<void> {
    if (this.broken) throw new AuditUnavailable("disk full");
    this.kept.push(draft);
  }
  trouble(): string | null {
    return this.broken ? "disk full" : null;
  }
  async close(): Promise<void> {}

  outcomes(): string[] {
    return this.kept.map((r) => (r.kind === "approval" ? `${r.approver} ${r.decision} ${r.outcome}` : r.kind));
  }
}

export interface World {
  nowMs: number;
  store: Store;
  key: SigningKey;
  records: Records;
  service: ApprovalsService;
  /** The registry the service reads; a test may swap it. */
  registry: Registry;
  /** Opens an approval and gives its id. */
  open(more?: {
    quorum?: number;
    approvers?: string[][];
    agent?: string;
    initiatedBy?: string | null;
    fingerprint?: string;
    escalation?: Escalation;
    body?: Call["body"];
  }): Promise<string>;
  /** What the service said about approvals that were changed. */
  troubles: string[];
  stored(id: string): Promise<Approval>;
}

/** Approvals over a memory store and a clock that stands still. `tamper` is what somebody changes inside the store. */
export async function world(tamper: (approval: Approval) => Approval = (approval) => approval): Promise<World> {
  const clock = { now: () => here.nowMs };
  const runtime = {
    ...clock,
    monotonicMicros: () => here.nowMs * 1000,
    id: () => "",
    random: (n: number) => new Uint8Array(n),
  };
  const memory = memoryStore(runtime);
  const store: Store = {
    ...memory,
    approval: async (id, agent) => {
      const approval = await memory.approval(id, agent);
      return approval && tamper(approval);
    },
    look: async (request) => {
      const { approval, ...found } = await memory.look(request);
      return { ...found, approval: approval && tamper(approval) };
    },
    approvals: async (filter) => (await memory.approvals(filter)).map(tamper),
  };
  const key = await signingKeyOf(generateKey("OKP", "approvals"));
  const records = new Records();
  let opened = 0;
  const here: World = {
    nowMs: Date.parse("2026-03-01T14:22:00Z"),
    store,
    key,
    records,
    troubles: [],
    registry,
    service: approvalsService({
      store,
      key,
      registry: () => here.registry,
      audit: records,
      runtime: clock,
      publicUrl: "http://127.0.0.1:9192/",
      maxPending: 3,
      onTrouble: (error) => here.troubles.push(error.message),
    }),
    async open({
      quorum = 1,
      approvers = [],
      agent = "deploy-manager",
      initiatedBy = "alice",
      fingerprint,
      escalation,
      body = call.body,
    } = {}) {
      opened += 1;
      const asked = here.service.open({
        id: `01KJMK00000000000000000${String(opened).padStart(3, "0")}`,
        identity: identity(agent),
        session: { id: session.id, bound: true, ...(initiatedBy === null ? {} : { initiated_by: initiatedBy }) },
        call: { ...call, body },
        fingerprint: fingerprint ?? hash(`call ${opened}`),
        reason: "approval_needed",
        violations: [{ rule: "allowed_environments", actual: "production", message: "production needs approval" }],
        policyVersion: "sha256:9f2c",
        decisionId: "01KJMK0000000000000000DEC1",
        quorum,
        approvers,
        ...(escalation && { escalation }),
        costMicro: 2_500_000,
        expiresInMs: 900_000,
      });
      const result = await store.settle({
        agent,
        key: `req-${opened}`,
        enforced: {},
        approval: { kind: "open", ...asked },
      });
      if (result.approval.outcome !== "opened") throw new Error("not opened");
      return result.approval.id;
    },
    async stored(id) {
      const approval = await memory.approval(id);
      if (!approval) throw new Error(`no approval ${id}`);
      return approval;
    },
  };
  return here;
}

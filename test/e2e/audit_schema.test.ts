import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type Document, parseDocument } from "yaml";
import { generateKey, readVerifyKeyFile, writeKeyFile } from "../../src/keys/keys.js";
import { outcomeDraft } from "../audit/samples.js";
import { deploy, take, tour } from "../demo/steps.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { send } from "../harness/http.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository } from "../harness/programs.js";
import { type AuditLine, auditRecords, everyRecord } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";

const envoy = await requirePart("Envoy", findEnvoy);
const admin = "cst_admin-of-this-test-0123456789";
/** Looks like a token, and belongs in no record. */
const leaked = "cst_somebody-pasted-this-0123456789";
const refusals = 120;

describeWith(envoy, "records of everything that a server does", (use) => {
  let stack: Stack;
  let audit: string;
  let records: AuditLine[];

  beforeAll(async () => {
    stack = await startStack({
      store: "memory:",
      envoyProgram: use(),
      env: { COUNTERSIGN_AUDIT_REFUSALS_WHOLE: "20", COUNTERSIGN_AUDIT_REFUSALS_WITHIN: "1h" },
      edit: async (folder) => {
        const sha256 = createHash("sha256").update(admin).digest("hex");
        const people = await readFile(join(folder, "people.yaml"), "utf8");
        const ada = `  - {id: ada@example.com, access: [admin], tokens: [{sha256: "${sha256}"}]}\n`;
        await writeFile(join(folder, "people.yaml"), `${people}${ada}`);
      },
    });
    audit = join(stack.folder, "var", "audit");
    for (const step of tour()) await take(stack, step);
    await commentsWithToken();
    await goesBackAndForth();
    await actsOfAdmins();
    for (let i = 0; i < refusals; i++) await stack.call(null, deploy("staging", { replicas: i }));
    await newKey();
    await stack.server.stop();
    records = await everyRecord(audit);
  }, 240_000);
  afterAll(() => stack?.stop());

  async function commentsWithToken(): Promise<void> {
    const asked = await stack.call("deploy-manager", deploy("production", { service: "commented" }));
    const { approval } = JSON.parse(asked.body) as { approval: { id: string } };
    const said = { decision: "approve", comment: `use ${leaked} for it` };
    const path = `/v1/approvals/${approval.id}`;
    expect((await stack.ask(stack.people.approver, `${path}/decision`, said)).status).toBe(200);
    // The proof is over what was really said, so the answer holds.
    const shown = await stack.ask(await stack.token("deploy-manager"), path);
    expect(JSON.parse(shown.body)).toMatchObject({ status: "approved", override_token: expect.any(String) });
  }

  async function goesBackAndForth(): Promise<void> {
    const version = async () => JSON.parse((await stack.ask(admin, "/readyz")).body).state.policy_version as string;
    const before = await version();
    const path = join(stack.folder, "policies", "deploy-manager.yaml");
    const text = await readFile(path, "utf8");
    const replaceBy = async (next: string): Promise<void> => {
      await writeFile(`${path}.new`, next);
      await rename(`${path}.new`, path);
    };
    await replaceBy(text.replace(/max_replicas: \d+/, "max_replicas: 7"));
    await until(async () => (await version()) !== before, { what: "the new policies" });
    const reason = `as ${leaked} says`;
    expect((await stack.ask(admin, "/v1/policies/rollback", { version: before, reason })).status).toBe(200);
    expect((await stack.ask(admin, "/v1/policies/release", { reason: null })).status).toBe(200);
    await replaceBy("agent: [\n");
    await until(async () => (await auditRecords(audit)).some(({ event }) => event === "refused"), {
      what: "a refusal",
    });
  }

  async function actsOfAdmins(): Promise<void> {
    const created = await stack.ask(admin, "/v1/agents", { id: "nightly", scopes: ["deploy-api:deploy"] });
    expect(created.status).toBe(201);
    let key = "";
    for (const act of ["disable", "enable", "rotate-key"]) {
      const { status, body } = await stack.ask(admin, `/v1/agents/nightly/${act}`, {});
      expect(status).toBe(200);
      key = (JSON.parse(body) as { api_key?: string }).api_key ?? "";
    }
    const who = { client_id: "nightly", client_secret: key };
    const issued = await form("/oauth2/token", { grant_type: "client_credentials", ...who });
    expect(issued.status).toBe(200);
    const { access_token: token } = JSON.parse(issued.body) as { access_token: string };
    expect((await form("/oauth2/revoke", { token, ...who })).status).toBe(200);

    const file = join(stack.folder, "admin.token");
    await writeFile(file, admin, { mode: 0o600 });
    const options = ["--for", "1h", "--url", stack.api, "--token-file", file];
    expect(await stack.countersign("log", "level", "debug", ...options)).toMatchObject({ code: 0, stderr: "" });
  }

  const form = (path: string, members: Record<string, string>) =>
    send(`${stack.api}${path}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: String(new URLSearchParams(members)),
    });

  /** The server goes on under another key. */
  async function newKey(): Promise<void> {
    const path = join(stack.folder, "var", "audit-2.jwk");
    await writeKeyFile(path, generateKey("OKP", "audit"));
    const config = parseDocument(await readFile(stack.config, "utf8")) as Document;
    config.setIn(["audit", "key_file"], path);
    config.setIn(["audit", "accepted_keys"], [`${audit}.jwk`]);
    await writeFile(stack.config, config.toString());
    await writeFile(
      join(stack.folder, "policies", "deploy-manager.yaml"),
      "agent: deploy-manager\nactions: [{name: deploy}]\n",
    );
    await stack.restartServer();
  }

  test("are of every kind, with every verdict, event and act", () => {
    const distinct = (name: string) => [...new Set(records.map((record) => record[name]).filter(Boolean))].sort();
    expect(distinct("kind")).toEqual(["admin", "approval", "decision", "outcome", "policy"]);
    expect(distinct("enforced")).toEqual(["allow", "approval_needed", "deny", "sanitize"]);
    expect(distinct("event")).toEqual(["loaded", "refused", "released", "rolled_back"]);
    expect(distinct("act")).toEqual([
      "agent_created",
      "agent_disabled",
      "agent_enabled",
      "agent_key_rotated",
      "audit_key_changed",
      "log_level_changed",
      "token_issued",
      "token_revoked",
    ]);
    expect(records.filter(({ aggregated }) => aggregated)).toHaveLength(1);
  });

  test("are what the published schema says, and so are records of outcomes", async () => {
    const schema = JSON.parse(await readFile(join(repository, "docs/schemas/audit-record.schema.json"), "utf8"));
    const ajv = new Ajv2020({ strict: true, allErrors: true });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    const faults = (record: object) => (validate(record) ? [] : (validate.errors ?? []));
    for (const record of records) expect(faults(record)).toEqual([]);
    const { seq, prev, writer, signature } = records[1] as AuditLine;
    const envelope = { seq, prev, writer, signature };
    const nothing = { status: null, duration_us: null, upstream: null, outcome: "unreached" as const, flags: ["UF"] };
    for (const outcome of [outcomeDraft(), outcomeDraft(nothing)])
      expect(faults({ ...outcome, ...envelope })).toEqual([]);

    // It has to be able to say no.
    for (const record of records.slice(0, 40)) {
      expect(faults({ ...record, more: 1 })).not.toEqual([]);
      for (const name of Object.keys(record)) {
        const { [name]: _, ...less } = record;
        const optional = ["aggregated", "local", "by"].includes(name) && record.kind !== "admin";
        expect([name, faults(less).length > 0]).toEqual([name, !optional]);
      }
    }
  });

  test("a flood of refusals is one record beside the whole ones, and none is missing", () => {
    const alike = records.filter(({ reason }) => reason === "credential_missing");
    // The tour has made one such call before.
    const counted = alike.flatMap(({ aggregated }) => (aggregated ? [aggregated as { count: number }] : []));
    expect([alike.length, counted.length]).toEqual([21, 1]);
    expect(alike.length - 1 + (counted[0]?.count ?? 0)).toBe(refusals + 1);
    expect(alike.at(-1)).toMatchObject({ agent_id: null, enforced: "deny", request_id: null });
  });

  test("tokens that people paste are in none", async () => {
    const text = JSON.stringify(records);
    expect(text).not.toContain(leaked);
    expect(records).toContainEqual(expect.objectContaining({ kind: "approval", comment: "use [token] for it" }));
    expect(records).toContainEqual(expect.objectContaining({ event: "rolled_back", detail: "as [token] says" }));
  });

  test("go on under a new key, with a record that says so first", async () => {
    const kids = await Promise.all(
      [`${audit}.jwk`, `${audit}-2.jwk`].map(async (path) => (await readVerifyKeyFile(path, "audit")).kid),
    );
    const change = records.findIndex(({ act }) => act === "audit_key_changed");
    const kidOf = (record: AuditLine) => (record.signature as { kid: string }).kid;
    expect(records[change]).toMatchObject({ by: "operator", agent_id: null, detail: { from: kids[0], to: kids[1] } });
    expect(records.map((record, i) => kidOf(record) === kids[i < change ? 0 : 1])).not.toContain(false);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i + 1));
    const keys = ["--key", `${audit}.jwk`, "--key", `${audit}-2.jwk`];
    expect((await stack.countersign("audit", "verify", audit, ...keys)).code).toBe(0);
  });
});

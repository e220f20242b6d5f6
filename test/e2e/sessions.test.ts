import { createHash, randomBytes } from "node:crypto";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify, SignJWT } from "jose";
import { parseDocument } from "yaml";
import { type AttestationFields, attestationHeader } from "../../src/attestation/fields.js";
import { signForHeader } from "../../src/attestation/sign.js";
import { generateKey, type SigningKey, writeKeyFile } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { type Answer, send, sendRaw } from "../harness/http.js";
import { describeWith } from "../harness/parts.js";
import { freePort, type RunningProcess, startProcess } from "../harness/process.js";
import { repository } from "../harness/programs.js";
import { type AuditLine, auditRecords, everyRecord } from "../harness/records.js";
import type { Stack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { bytesOf } from "./raw_request.js";
import { findParts, oneStack, payload } from "./suite.js";

const parts = await findParts();

const ciUrl = "https://ci.example";
const ci = await signingKeyOf(generateKey("OKP", "issuer"));
const observer = await signingKeyOf(generateKey("OKP", "attestation"));
const sharedSecret = generateKey("oct", "attestation");
const sharing = await signingKeyOf(sharedSecret);
const admin = `cst_${randomBytes(24).toString("base64url")}`;
const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";

const trusted = {
  for: "exchange",
  issuer: ciUrl,
  jwks: "./ci.jwks.json",
  audience: "countersign",
  algorithms: ["EdDSA"],
  agent: "shipper",
  when: 'claims.repository == "acme/shop"',
  claims: { session_id: "run_id", workflow_run_id: "run_id", initiated_by: "actor" },
};
const tools = `
  - name: crm
    match: {hosts: [reports.internal], methods: [GET], path: "/crm/{action}"}
    action: "{path.action}"
    classification: [pii]
`;
const policy = `
agent: shipper
actions:
  - {name: lookup}
  - name: deploy
    require: {when: env == "production", roles: [platform-lead], integrity: clean, clearance: {pii: tier-1}}
`;

async function edit(folder: string): Promise<void> {
  const path = join(folder, "countersign.yaml");
  const config = parseDocument(await readFile(path, "utf8"));
  config.setIn(["identity", "trusted"], [trusted]);
  const keys = [
    { kid: "obs-1", file: "./observer.jwk" },
    { kid: "obs-2", file: "./secret.jwk" },
  ];
  config.setIn(["attestation"], { key_file: "./attestation.jwk", keys });
  await writeFile(path, config.toString());
  await writeFile(join(folder, "observer.jwk"), JSON.stringify(observer.publicJwk()));
  await writeKeyFile(join(folder, "secret.jwk"), sharedSecret);
  await writeKeyFile(join(folder, "attestation.jwk"), generateKey("OKP", "attestation"));
  await writeFile(join(folder, "ci.jwks.json"), JSON.stringify({ keys: [ci.publicJwk()] }));
  await appendFile(join(folder, "tools.yaml"), tools.slice(1));
  await appendFile(join(folder, "agents.yaml"), `  - {id: shipper, scopes: ["crm:*", "deploy-api:deploy"]}\n`);
  const sha256 = createHash("sha256").update(admin).digest("hex");
  const people = `  - {id: carol@example.com, aliases: [carol], role: platform-lead, clearance: tier-2}
  - {id: root@example.com, access: [admin, auditor], tokens: [{sha256: "${sha256}"}]}\n`;
  await appendFile(join(folder, "people.yaml"), people);
  await writeFile(join(folder, "policies", "shipper.yaml"), policy);
}

/** What a CI system gives a job of one run. */
function jobToken(run: string, claims: object = {}): Promise<string> {
  return new SignJWT({ repository: "acme/shop", run_id: run, actor: "carol", ...claims })
    .setProtectedHeader({ alg: ci.alg, kid: ci.kid })
    .setIssuer(ciUrl)
    .setAudience("countersign")
    .setSubject(`repo:acme/shop:run:${run}`)
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(ci.signKey);
}

/** What an observer says of a session of the agent: that it has touched personal data, unless `more` says otherwise. */
function observed(
  session_id: string,
  { key = observer, kid = "obs-1", more = {} }: { key?: SigningKey; kid?: string; more?: object } = {},
): string {
  const fields: AttestationFields = {
    session_id,
    agent_id: "shipper",
    data_classification: ["pii"],
    anomalies_detected: false,
    session_integrity: "clean",
    signed_at: new Date().toISOString(),
    ...more,
  };
  return signForHeader(key, fields, { id: randomBytes(8).toString("hex"), kid });
}

describeWith(parts, "sessions through the real Envoy and the real Redis, over two processes", (use) => {
  let stack: Stack;
  let second: { process: RunningProcess; api: string };
  oneStack(
    use,
    async (running) => {
      stack = running;
      second = await startSecond(running);
    },
    edit,
  );
  afterAll(() => second?.process.stop());

  const form = (path: string, members: Record<string, string>, api = stack.api): Promise<Answer> =>
    send(`${api}${path}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: String(new URLSearchParams(members)),
    });
  async function exchanged(run: string, api = stack.api): Promise<{ access_token: string; session_id: string }> {
    const subject = {
      grant_type: tokenExchange,
      subject_token: await jobToken(run),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    };
    const answer = await form("/oauth2/token", subject, api);
    expect(answer.status).toBe(200);
    return JSON.parse(answer.body);
  }
  const calling = (token: string) => ({ authorization: `Bearer ${token}` });
  const lookup = (token: string) =>
    stack.call(null, { host: "reports.internal", path: "/crm/lookup?id=7", headers: calling(token) });
  const deploy = (token: string, environment = "production") =>
    stack.call(null, { host: "deploy.internal", path: "/v1/deploy", json: { environment }, headers: calling(token) });
  const deployWith = (token: string, attestation: string) =>
    stack.call(null, {
      host: "deploy.internal",
      path: "/v1/deploy",
      json: { environment: "production" },
      headers: { ...calling(token), [attestationHeader]: attestation },
    });
  const lastRecord = async (): Promise<AuditLine> => {
    const records = await auditRecords(join(stack.folder, "var", "audit"));
    return records.filter(({ kind }) => kind === "decision").at(-1) as AuditLine;
  };

  test("a session that has read personal data is refused production, a clean one is not, and both are explained", async () => {
    const dirty = await exchanged("100");
    expect((await lookup(dirty.access_token)).status).toBe(200);
    const refused = await deploy(dirty.access_token);
    expect(refused.status).toBe(403);
    expect(payload(refused)).toMatchObject({ reason: "session_touched_pii", error: "PolicyViolation" });
    const record = await lastRecord();
    expect(record).toMatchObject({
      decision: "deny",
      reason: "session_touched_pii",
      session_id: dirty.session_id,
      workflow_run_id: "100",
      session_attestation: {
        agent_id: "shipper",
        session_id: dirty.session_id,
        initiated_by: "carol@example.com",
        role: "platform-lead",
        clearance: "tier-2",
        data_classification: ["pii"],
        anomalies_detected: false,
        session_integrity: "clean",
      },
      opa_decision: { input: { session: { data_classification: ["pii"], tools: ["crm"], passed: 1 } } },
      violations: [{ rule: "session_touched_pii", message: expect.stringContaining("pii") }],
    });

    const clean = await exchanged("101");
    expect((await deploy(clean.access_token)).status).toBe(200);
    expect(await lastRecord()).toMatchObject({
      decision: "allow",
      session_id: clean.session_id,
      session_attestation: { data_classification: [], session_integrity: "clean", initiated_by: "carol@example.com" },
    });
  });

  test("a fresh token of the same run does not make the session clean", async () => {
    const [first, again] = [await exchanged("200"), await exchanged("200")];
    expect(again.session_id).toBe(first.session_id);
    expect(again.access_token).not.toBe(first.access_token);
    expect((await lookup(first.access_token)).status).toBe(200);
    expect(payload(await deploy(again.access_token))).toMatchObject({ reason: "session_touched_pii" });
    expect((await deploy(again.access_token, "staging")).status).toBe(200);
  });

  test("a job of another repository gets no token", async () => {
    const answer = await form("/oauth2/token", {
      grant_type: tokenExchange,
      subject_token: await jobToken("300", { repository: "evil/fork" }),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    });
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([400, { reason: "token_condition" }]);
  });

  test("the attestation of a session verifies with the published keys, and the other process gives the same", async () => {
    const { access_token, session_id } = await exchanged("400");
    await lookup(access_token);
    for (const api of [stack.api, second.api]) {
      const url = `${api}/v1/sessions/${session_id}/attestation`;
      const attested = JSON.parse((await send(url, { headers: calling(admin) })).body);
      expect(attested).toMatchObject({ session_id, workflow_run_id: "400", data_classification: ["pii"] });
      const keys = createRemoteJWKSet(new URL(`${stack.api}/.well-known/jwks.json`));
      const { payload: signed } = await jwtVerify(attested.signature, keys, { typ: "session-attestation+jwt" });
      expect(signed).toMatchObject({ session_id, sub: "shipper", data_classification: ["pii"] });
    }
  });

  /** Asks the second process whether a call may go on, until it gives this reason: who asks a second later hears no other. */
  async function isTold(token: string, reason: string): Promise<void> {
    const began = performance.now();
    let latest = 0;
    const check = () =>
      send(`${second.api}/v1/check`, {
        method: "POST",
        headers: { ...calling(token), "content-type": "application/json" },
        body: JSON.stringify({ tool: "crm", action: "lookup" }),
      });
    await until(
      async () => {
        const askedMs = performance.now() - began;
        const told = JSON.parse((await check()).body).reason;
        if (told !== reason) latest = askedMs;
        return told === reason;
      },
      { what: `${reason} by the other process` },
    );
    expect(latest).toBeLessThan(1_000);
  }

  test("a token that is revoked with one process is refused by the other within a second", async () => {
    const { access_token } = await exchanged("500");
    expect((await lookup(access_token)).status).toBe(200);
    expect((await form("/oauth2/revoke", { token: access_token })).status).toBe(200);
    await isTold(access_token, "token_revoked");
    expect(payload(await lookup(access_token))).toMatchObject({ status: 401, reason: "token_revoked" });
  });

  test("an agent that is disabled with one process is refused by the other within a second, until it is enabled", async () => {
    const { access_token } = await exchanged("600");
    expect((await lookup(access_token)).status).toBe(200);
    expect((await stack.ask(admin, "/v1/agents/shipper/disable", {})).status).toBe(200);
    await isTold(access_token, "agent_disabled");
    expect(payload(await lookup(access_token))).toMatchObject({ status: 401, reason: "agent_disabled" });
    expect((await stack.ask(admin, "/v1/agents/shipper/enable", {})).status).toBe(200);
    await isTold(access_token, "allowed");
    expect((await lookup(access_token)).status).toBe(200);
    const acts = (await auditRecords(join(stack.folder, "var", "audit"))).filter(({ kind }) => kind === "admin");
    expect(acts.map(({ act }) => act)).toEqual(
      expect.arrayContaining(["token_issued", "token_revoked", "agent_disabled"]),
    );
  });

  test.each([
    ["a JWS", "700", observer, "obs-1"],
    ["JSON with an HMAC", "701", sharing, "obs-2"],
  ])(
    "what an observer says in %s counts, for this call and for later ones without it",
    async (_what, run, key, kid) => {
      const { access_token, session_id } = await exchanged(run);
      expect((await deploy(access_token)).status).toBe(200);
      const refused = await deployWith(access_token, observed(session_id, { key, kid }));
      expect(payload(refused)).toMatchObject({ status: 403, reason: "session_touched_pii" });
      expect(await lastRecord()).toMatchObject({
        session_id,
        // The deploy that was let through touched configuration.
        session_attestation: {
          data_classification: ["config", "pii"],
          session_integrity: "clean",
          anomalies_detected: false,
        },
      });
      expect(payload(await deploy(access_token))).toMatchObject({ reason: "session_touched_pii" });
    },
  );

  test("what a stranger says is not believed, and makes the session suspect", async () => {
    const { access_token, session_id } = await exchanged("710");
    const stranger = await signingKeyOf(generateKey("OKP", "attestation"));
    const refused = await deployWith(access_token, observed(session_id, { key: stranger }));
    expect(payload(refused)).toMatchObject({ status: 403, reason: "session_not_clean" });
    expect(await lastRecord()).toMatchObject({
      session_id,
      session_attestation: { data_classification: [], session_integrity: "suspect", anomalies_detected: true },
    });
  });

  test("two attestations are two readings of a call: it is refused, and neither is believed", async () => {
    const { access_token, session_id } = await exchanged("720");
    const lines = [
      `${attestationHeader}: ${observed(session_id)}`,
      `${attestationHeader}: ${observed(session_id, { more: { data_classification: [] } })}`,
    ];
    const body = JSON.stringify({ environment: "production" });
    for (const twice of [lines, lines.toReversed()]) {
      const { status, text } = await sendRaw(stack.envoy.port, bytesOf(access_token, { lines: twice, body }));
      expect([status, text]).toEqual([400, expect.stringContaining('"reason":"malformed_header"')]);
      expect(await lastRecord()).toMatchObject({ enforced: "deny", reason: "malformed_header", opa_decision: null });
    }
    expect(stack.tool.requests).toEqual([]);
    expect((await deploy(access_token)).status).toBe(200);
    expect(await lastRecord()).toMatchObject({
      session_id,
      session_attestation: { data_classification: [], session_integrity: "clean" },
    });
  });

  test("the records of both processes verify, and those of tokens and agents are among them", async () => {
    const { session_id } = await exchanged("800", second.api);
    for (const [dir, issued] of [
      ["audit", { agent_id: "shipper" }],
      ["audit-2", { agent_id: "shipper", detail: { session_id } }],
    ] as const) {
      const audit = join(stack.folder, "var", dir);
      const records = await everyRecord(audit);
      const acts = records.filter(({ kind }) => kind === "admin");
      expect(acts).toContainEqual(expect.objectContaining({ act: "token_issued", by: expect.stringContaining(ciUrl) }));
      expect(acts.filter(({ act }) => act === "token_issued").at(-1)).toMatchObject(issued);
      const told = await stack.countersign("audit", "verify", audit, "--key", join(stack.folder, "var", "audit.jwk"));
      expect(told).toMatchObject({ code: 0, stderr: "" });
      // How calls ended comes when Envoy tells of it, so there may be more by now.
      const [, count] = /: (\d+) records, up to seq \1\n/.exec(told.stdout) ?? [];
      expect(Number(count)).toBeGreaterThanOrEqual(records.length);
    }
  });
});

/** One more server with the same files and store, and records of its own. */
async function startSecond(stack: Stack): Promise<{ process: RunningProcess; api: string }> {
  const [grpc, http] = [await freePort(), await freePort()];
  const api = `http://127.0.0.1:${http}`;
  const process_ = await startProcess({
    name: "countersign",
    command: process.execPath,
    args: [join(repository, "dist", "cli.js"), "serve", "--config", stack.config],
    env: {
      NODE_OPTIONS: "",
      COUNTERSIGN_LISTEN_GRPC: `127.0.0.1:${grpc}`,
      COUNTERSIGN_LISTEN_HTTP: `127.0.0.1:${http}`,
      COUNTERSIGN_AUDIT_DIR: join(stack.folder, "var", "audit-2"),
      COUNTERSIGN_POLICY_HISTORY_DIR: join(stack.folder, "var", "policies-2"),
    },
    logFile: join(stack.folder, "server-2.log"),
    ready: async () => (await send(`${api}/healthz`)).status === 200,
  });
  return { process: process_, api };
}

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { importJWK, jwtVerify } from "jose";
import { sha256Hex } from "../../src/canonical.js";
import { countersign, init, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
beforeAll(async () => {
  await init(folder);
  await writeFile(
    join(folder, "agents.yaml"),
    'agents:\n  - {id: deploy-manager, model: some-model-1, scopes: ["deploy-api:*", "aws:s3:Get"]}\n  - {id: idle}\n',
  );
  await writeFile(
    join(folder, "people.yaml"),
    "people:\n  - {id: alice@example.com, aliases: [alice], role: platform-lead, clearance: tier-1}\n  - {id: bob}\n",
  );
});
afterAll(undo);

const run = (...args: string[]) => countersign(args, { cwd: folder });

async function succeeds(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

/** Checked as any other program would, with the public half of the issuer's key. */
async function verified(token: string) {
  const { d: _, ...jwk } = JSON.parse(readFileSync(join(folder, "var/issuer.jwk"), "utf8"));
  return jwtVerify(token, await importJWK(jwk), {
    algorithms: ["EdDSA"],
    typ: "at+jwt",
    issuer: "http://127.0.0.1:9192",
    audience: "countersign",
  });
}

describe("token", () => {
  test("says who the agent is, for how long, and what it may do", async () => {
    const before = Math.floor(Date.now() / 1000);
    const { payload, protectedHeader } = await verified(await succeeds("token", "deploy-manager"));
    expect(payload).toEqual({
      iss: "http://127.0.0.1:9192",
      aud: "countersign",
      sub: "deploy-manager",
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 900,
      jti: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      scope: "deploy-api:* aws:s3:Get",
      session_id: expect.stringMatching(/^ses_[0-9A-HJKMNP-TV-Z]{26}$/),
      agent_model: "some-model-1",
    });
    expect(payload.iat).toBeGreaterThanOrEqual(before);
    expect(payload.iat).toBeLessThanOrEqual(Date.now() / 1000);
    expect(protectedHeader).toEqual({ alg: "EdDSA", typ: "at+jwt", kid: expect.any(String) });
  });

  test("every option is a claim; role and clearance are the person's, by any of their names", async () => {
    const token = await succeeds(
      ...["token", "deploy-manager", "--scope", "deploy-api:deploy", "--ttl", "90s", "--session", "ses-7"],
      ...["--workflow-run", "run 42", "--initiated-by", "ALICE"],
    );
    const { payload } = await verified(token);
    expect(payload).toMatchObject({
      scope: "deploy-api:deploy",
      session_id: "ses-7",
      workflow_run_id: "run 42",
      initiated_by: "alice@example.com",
      role: "platform-lead",
      clearance: "tier-1",
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(90);
  });

  test("a person without role and clearance gives none", async () => {
    const { payload } = await verified(await succeeds("token", "deploy-manager", "--initiated-by", "bob"));
    expect(payload.initiated_by).toBe("bob");
    expect(Object.keys(payload)).not.toEqual(expect.arrayContaining(["role"]));
    expect(Object.keys(payload)).not.toEqual(expect.arrayContaining(["clearance"]));
  });

  test("an agent without scopes gets a token that permits nothing", async () => {
    expect((await verified(await succeeds("token", "idle"))).payload.scope).toBe("");
  });

  test("for a program", async () => {
    const told = JSON.parse(await succeeds("token", "deploy-manager", "--json", "--ttl", "1m"));
    expect(told).toEqual({ agent: "deploy-manager", token: expect.any(String), expires_in: 60 });
    await verified(told.token);
  });

  test("two tokens are two sessions", async () => {
    const claims = await Promise.all([1, 2].map(async () => (await verified(await succeeds("token", "idle"))).payload));
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(2);
    expect(new Set(claims.map(({ session_id }) => session_id)).size).toBe(2);
  });
});

test.each([[["token"]], [["agent", "key"]]])("%p of an agent of the API says where it gets them", async (command) => {
  const { code, stdout, stderr } = await run(...command, "nightly");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("no agent nightly in ");
  expect(stderr).toMatch(/tokens from POST \/oauth2\/token, and keys by `countersign agent rotate-key`\.\n$/);
});

describe("agent key", () => {
  test("makes a key whose hash belongs into agents.yaml", async () => {
    const { agent, api_key, sha256 } = JSON.parse(await succeeds("agent", "key", "deploy-manager", "--json"));
    expect(agent).toBe("deploy-manager");
    expect(api_key).toMatch(/^csk_[\w-]{43}$/);
    expect(sha256).toBe(sha256Hex(api_key));
  });

  test("shows people the line to add, and writes nothing itself", async () => {
    const before = readFileSync(join(folder, "agents.yaml"), "utf8");
    const text = await succeeds("agent", "key", "deploy-manager");
    const key = /csk_[\w-]{43}/.exec(text)?.[0] ?? "";
    expect(text).toContain(`    api_keys: [{sha256: "${sha256Hex(key)}"}]`);
    expect(text).toContain(join(folder, "agents.yaml"));
    expect(readFileSync(join(folder, "agents.yaml"), "utf8")).toBe(before);
  });
});

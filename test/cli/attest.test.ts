import { readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readAttestation } from "../../src/attestation/read.js";
import { loadConfig } from "../../src/config/load.js";
import { readKeyFile, readVerifyKeyFile } from "../../src/keys/keys.js";
import { newKey } from "../attestation/fixture.js";
import { countersign, init, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
const types = ["OKP", "EC", "oct"] as const;
const checks: Record<(typeof types)[number], string> = { OKP: "okp.pub.jwk", EC: "ec.pub.jwk", oct: "oct.jwk" };
beforeAll(async () => {
  for (const type of types) {
    await succeeds("attest", "key", `${type.toLowerCase()}.jwk`, "--type", type, "--kid", `obs-${type}`);
  }
});
afterAll(undo);

const run = (...args: string[]) => countersign(args, { cwd: folder });

async function succeeds(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

/** As the server reads it, with the file that a configuration would name. */
async function read(
  header: string,
  type: (typeof types)[number],
  about = { agent: "deploy-manager", session: "ses-7" },
) {
  const key = await readVerifyKeyFile(join(folder, checks[type]), "attestation");
  const own = { key: await newKey("OKP"), issuer: "http://127.0.0.1:9192" };
  const keys = [{ kid: `obs-${type}`, key }];
  return readAttestation(header, { keys, own, ...about, maxAgeMs: 60_000, nowMs: Date.now() });
}

describe.each(types)("with a key of type %s", (type) => {
  const attest = (...args: string[]) =>
    succeeds("attest", "--key", `${type.toLowerCase()}.jwk`, "--session", "ses-7", ...args);

  test("the least that an attestation says", async () => {
    const header = await attest();
    expect(header.split(".")).toHaveLength(type === "oct" ? 1 : 3);
    expect(await read(header, type)).toEqual({
      signedAtMs: expect.any(Number),
      classification: [],
      anomalies: false,
      integrity: "clean",
      facts: {},
      kid: `obs-${type}`,
      own: false,
    });
  });

  test("every option is a field", async () => {
    const header = await attest(
      ...["--agent", "deploy-manager", "--workflow-run", "run 42", "--initiated-by", "alice@example.com"],
      ...["--role", "platform-lead", "--clearance", "tier-1", "--data", "pii, config", "--anomalies"],
      ...["--integrity", "suspect", "--facts", '{"tests_passed": true}'],
    );
    expect(await read(header, type)).toMatchObject({
      workflow_run_id: "run 42",
      initiated_by: "alice@example.com",
      role: "platform-lead",
      clearance: "tier-1",
      classification: ["config", "pii"],
      anomalies: true,
      integrity: "suspect",
      facts: { tests_passed: true },
    });
    await expect(read(header, type, { agent: "other-agent", session: "ses-7" })).rejects.toThrow("another agent");
    await expect(read(header, type, { agent: "deploy-manager", session: "ses-8" })).rejects.toThrow("another session");
  });

  test("for a program, under the name that the key has with who checks", async () => {
    const told = JSON.parse(await attest("--kid", "renamed", "--json"));
    expect(told).toEqual({ session: "ses-7", kid: "renamed", attestation: expect.any(String) });
    await expect(read(told.attestation, type)).rejects.toThrow("does not verify");
  });
});

describe("attest key", () => {
  test("keeps the private half to its owner, and gives away the public one", async () => {
    const told = JSON.parse(await succeeds("attest", "key", "new/observer.jwk", "--json"));
    expect(told).toEqual({ signs: "new/observer.jwk", checks: "new/observer.pub.jwk", kid: expect.any(String) });
    expect(statSync(join(folder, told.signs)).mode & 0o777).toBe(0o600);
    const shown = JSON.parse(readFileSync(join(folder, told.checks), "utf8"));
    expect(shown).toEqual({
      kty: "OKP",
      crv: "Ed25519",
      x: expect.any(String),
      alg: "EdDSA",
      use: "sig",
      countersign_use: "attestation",
    });
    const key = await readKeyFile(join(folder, told.signs), "attestation");
    expect((await readVerifyKeyFile(join(folder, told.checks), "attestation")).thumbprint).toBe(key.thumbprint);
    expect(told.kid).toBe(key.thumbprint);
  });

  test("a secret has no public half", async () => {
    const text = await succeeds("attest", "key", "secret.jwk", "--type", "oct");
    expect(text).toMatch(/^wrote secret\.jwk, a secret that signs and checks\n/);
    expect(text).toContain(`file: ${JSON.stringify(join(folder, "secret.jwk"))}`);
  });

  test("shows the line to add, which holds wherever the configuration is", async () => {
    const { config } = await init(join(folder, "elsewhere"));
    const text = await succeeds("attest", "key", "pasted.jwk", "--kid", "obs-1");
    const [, line = ""] = /countersign\.yaml:\n {2}- (.*)$/.exec(text) ?? [];
    const written = readFileSync(config, "utf8");
    expect(written).toContain("attestation: {key_file: ./var/attestation.jwk}");
    await writeFile(config, written.replace("attestation.jwk}", `attestation.jwk, keys: [${line}]}`));
    expect(loadConfig(config).attestation.keys).toEqual([{ kid: "obs-1", file: join(folder, "pasted.pub.jwk") }]);
  });
});

describe("wrong use exits with 2 and says why", () => {
  const key = ["--key", "okp.jwk"];
  const session = ["--session", "ses-7"];
  test.each<[string[], string]>([
    [["attest"], "countersign: --key: name the file of the key that signs"],
    [["attest", ...key], "countersign: --session: name the session that the attestation is about"],
    [["attest", ...session, "--key", "nowhere"], "countersign: nowhere:1:1: key file cannot be read: ENOENT"],
    [["attest", ...session, "--key", "okp.pub.jwk"], "holds only the public half, which cannot sign"],
    [["attest", ...session, "--key", "issuer.jwk"], "a key for issuer cannot be the key for attestation"],
    [["attest", ...key, "--session", "a b"], "countersign: --session: must be 1 to 160 visible characters"],
    [["attest", ...key, ...session, "--integrity", "fine"], "Allowed choices are clean, suspect, compromised."],
    [["attest", ...key, ...session, "--data", "a b"], "countersign: --data: at most 64 names"],
    [["attest", ...key, ...session, "--data", ""], "countersign: --data: at most 64 names"],
    [["attest", ...key, ...session, "--role", "a\nb"], "countersign: --role: must be 1 to 256 characters on one line"],
    [["attest", ...key, ...session, "--facts", "[true]"], "countersign: --facts: write a JSON object"],
    [["attest", ...key, ...session, "--facts", '{"a":1,"a":2}'], "countersign: --facts: write a JSON object"],
    [["attest", ...key, ...session, "--facts", JSON.stringify({ a: "x".repeat(16_384) })], "longer than 16384 bytes"],
    [["attest", ...key, ...session, "--kid", ""], "countersign: --kid: must be 1 to 256 characters"],
    [["attest", "key"], "error: missing required argument 'file'"],
    [["attest", "key", "okp.jwk"], "countersign: okp.jwk exists already"],
    [["attest", "key", "x.jwk", "--type", "RSA"], "Allowed choices are oct, OKP, EC."],
    [["attest", "key", "x.jwk", "--kid", ""], "countersign: --kid: must be 1 to 256 characters"],
    [["attest", "sign"], "error: too many arguments for 'attest'. Expected 0 arguments but got 1."],
  ])("%p", async (args, message) => {
    const issuer = { kty: "oct", k: Buffer.alloc(32, 7).toString("base64url"), countersign_use: "issuer" };
    await writeFile(join(folder, "issuer.jwk"), JSON.stringify(issuer), { mode: 0o600 });
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});

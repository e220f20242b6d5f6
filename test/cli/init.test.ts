import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { send } from "../harness/http.js";
import { countersign, init, serve, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
afterAll(undo);

const dir = join(folder, "first");
const text = (name: string): string => readFileSync(join(dir, name), "utf8");
const mode = (name: string): string => (statSync(join(dir, name)).mode & 0o777).toString(8);
const wrote = [
  "agents.yaml",
  "countersign.yaml",
  "people.yaml",
  "policies/deploy-manager.yaml",
  "tools.yaml",
  "var/approvals.jwk",
  "var/attestation.jwk",
  "var/audit.jwk",
  "var/issuer.jwk",
];

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

let told: Awaited<ReturnType<typeof init>>;
beforeAll(async () => {
  told = await init(dir);
});

test("it writes these files, and keys for their owner's eyes only", async () => {
  expect(await filesIn(dir)).toEqual(wrote);
  for (const name of wrote) expect([name, mode(name)]).toEqual([name, name.startsWith("var/") ? "600" : "640"]);
  expect(mode("var")).toBe("700");
});

test("each key is another one, with its use written into it", () => {
  const keys = ["issuer", "approvals", "attestation", "audit"].map((use) => [use, JSON.parse(text(`var/${use}.jwk`))]);
  for (const [use, key] of keys) expect(key).toMatchObject({ kty: "OKP", crv: "Ed25519", countersign_use: use });
  expect(new Set(keys.map(([, key]) => key.x)).size).toBe(4);
});

test("the admin token is told once and kept as a hash", async () => {
  expect(told).toEqual({
    config: join(dir, "countersign.yaml"),
    admin_token: expect.stringMatching(/^cst_[\w-]{43}$/),
  });
  for (const name of wrote) expect(text(name)).not.toContain(told.admin_token);
  const sha256 = createHash("sha256").update(told.admin_token).digest("hex");
  expect(parse(text("people.yaml")).people).toEqual([
    { id: "admin", access: ["admin", "approver", "auditor", "viewer"], tokens: [{ sha256 }] },
  ]);
});

test("it never writes over a file, and then writes none at all", async () => {
  const before = wrote.map(text);
  const again = await countersign(["init", "--dir", dir]);
  expect({ code: again.code, stdout: again.stdout }).toEqual({ code: 2, stdout: "" });
  expect(again.stderr).toContain(`in ${dir} would be overwritten; choose an empty folder\n`);
  expect(wrote.map(text)).toEqual(before);

  const other = join(folder, "other");
  await mkdir(join(other, "var"), { recursive: true });
  await writeFile(join(other, "var/audit.jwk"), "mine");
  expect(await countersign(["init", "--dir", other])).toEqual({
    code: 2,
    stdout: "",
    stderr: `countersign: var/audit.jwk in ${other} would be overwritten; choose an empty folder\n`,
  });
  expect(await filesIn(other)).toEqual(["var/audit.jwk"]);
  expect(readFileSync(join(other, "var/audit.jwk"), "utf8")).toBe("mine");
});

test("a folder that cannot be made is wrong use", async () => {
  writeFileSync(join(folder, "file"), "");
  const { code, stderr } = await countersign(["init", "--dir", join(folder, "file", "below")]);
  expect(code).toBe(2);
  expect(stderr).toContain(`countersign: ${join(folder, "file", "below")} cannot be made: ENOTDIR`);
});

test("for people it says what it wrote, the token, and what to do next", async () => {
  const { code, stdout } = await countersign(["init"], { cwd: await emptied("people") });
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^wrote countersign\.yaml, tools\.yaml, agents\.yaml, people\.yaml, policies\/deploy-manager\.yaml/,
  );
  expect(stdout).toMatch(/shown only now:\n {2}cst_[\w-]{43}\n/);
  expect(stdout).toContain("Next: countersign serve --config countersign.yaml\n");
});

test("what it wrote serves at once, and the admin may look", async () => {
  const { server, http } = await serve(dir);
  try {
    expect((await send(`${http}/healthz`)).status).toBe(200);
    expect((await send(`${http}/metrics`)).status).toBe(401);
    const headers = { authorization: `Bearer ${told.admin_token}` };
    expect((await send(`${http}/metrics`, { headers })).status).toBe(200);
    expect((await send(`${http}/v1/approvals`, { headers })).status).toBe(200);
    expect(server.stderr()).toBe("");
  } finally {
    await server.stop();
  }
});

async function emptied(name: string): Promise<string> {
  const path = join(folder, name);
  await rm(path, { recursive: true, force: true });
  await mkdir(path);
  return path;
}

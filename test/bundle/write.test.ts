import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { list } from "tar";
import { unpack, unpackedSize } from "../../src/bundle/archive.js";
import { InvalidBundle } from "../../src/bundle/error.js";
import { packBundle, writeBundle } from "../../src/bundle/write.js";
import { sha256Hex } from "../../src/canonical.js";
import { assemblePolicySet } from "../../src/policies/policy_set.js";
import { compileRego } from "../../src/rego/compile.js";
import { loadCompiled } from "../../src/rego/compiled.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository, run } from "../harness/programs.js";
import { program, set } from "./fixture.js";

const opa = await requirePart("opa", findOpa);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-bundle-test-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("the same policies give the same bytes, also in another second", async () => {
  const written = async (name: string): Promise<string> => {
    await writeBundle(set, join(folder, name));
    return sha256Hex(await readFile(join(folder, name)));
  };
  const first = await written("one.tar.gz");
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(await written("two.tar.gz")).toBe(first);
});

test("it holds the manifest, the documents, the sources and the module, and leaves nothing beside it", async () => {
  const file = join(folder, "bundle.tar.gz");
  await writeBundle(set, file);
  const content = new Map<string, Buffer>();
  await list({
    file,
    onReadEntry: (entry) => {
      const parts: Buffer[] = [];
      entry.on("data", (part) => parts.push(part));
      entry.on("end", () => content.set(entry.path, Buffer.concat(parts)));
    },
  });
  const sources = (await readdir(join(repository, "policies/rego"))).sort().map((name) => `countersign/${name}`);
  expect([...content.keys()]).toEqual([".manifest", "data.json", ...sources, "policy.wasm"]);
  expect(JSON.parse(String(content.get(".manifest")))).toEqual({
    revision: set.version,
    roots: ["countersign", "policies"],
    rego_version: 1,
    metadata: { files: ["guard.yaml", "own.yaml", "rest.yaml"] },
  });
  expect(JSON.parse(String(content.get("data.json")))).toEqual({ policies: Object.fromEntries(set.documents) });
  expect(sha256Hex(content.get("policy.wasm") ?? "")).toBe(program.sha256);
  expect(await readdir(folder)).toEqual(["bundle.tar.gz"]);
});

test("a name that is too long for a plain header, and user Rego, are written too", async () => {
  const sources = [
    { file: `${"long_".repeat(40)}.rego`, text: "# Ours.\n\npackage agent.deploy\n\nallow := true\n" },
    { file: "lib.rego", text: "package shop\n\nfive := 5\n" },
  ];
  const rego = loadCompiled(new Uint8Array(0), [], sources);
  const entries = await unpack(await packBundle(assemblePolicySet({ ...set, rego }, program), null));
  for (const { file, text } of sources) expect(String(entries.get(`rego/${file}`))).toBe(text);
  expect(entries.get("rego/user.wasm")).toHaveLength(0);
  expect(JSON.parse(String(entries.get(".manifest")))).toMatchObject({
    roots: ["agent", "countersign", "policies", "shop"],
    metadata: { files: set.files, packages: [] },
  });
});

test("a folder that is not there is an error, and nothing is written", async () => {
  await expect(writeBundle(set, join(folder, "none", "bundle.tar.gz"))).rejects.toThrow("ENOENT");
  expect(await readdir(folder)).toEqual([]);
});

describeWith(opa, "the real OPA", (use) => {
  const call = { tool: "deploy-api", action: "deploy", environment: "staging", images: [], params: { replicas: 3 } };
  test.each<[string, object, string]>([
    ["a", call, "allow"],
    ["a", { ...call, params: { replicas: 9 } }, "deny"],
    ["a", { ...call, environment: "production" }, "approval_needed"],
    ["a", { ...call, action: "iam:CreateRole" }, "deny"],
    ["somebody", { ...call, action: "read" }, "allow"],
    ["somebody", call, "deny"],
  ])("gives %s the answer of the server: %j", async (id, fields, verdict) => {
    const file = join(folder, "bundle.tar.gz");
    await writeBundle(set, file);
    const input = { agent: { id }, ...fields };
    const said = await run(use().program, [
      "eval",
      "--format",
      "json",
      "--bundle",
      file,
      `data.countersign.decision with input as ${JSON.stringify(input)}`,
    ]);
    const answer = JSON.parse(said).result[0].expressions[0].value;

    const instance = program.instantiate();
    const own = set.documentOf(id);
    instance.setData({ policies: { [own.id]: own.document } });
    expect(instance.evaluate(input)).toEqual([{ result: answer }]);
    expect(answer.enforced.verdict).toBe(verdict);
  });

  test("takes user Rego and its compiled form in the bundle", async () => {
    const file = join(folder, "bundle.tar.gz");
    const rules = [
      'allow if input.environment == "staging"',
      "allow if verify_signature(input.session_attestation)",
      "allow if data.shop.five == 5.5",
    ];
    const sources = [
      { file: "deploy.rego", text: `package agent.deploy\n\n${rules.join("\n\n")}\n` },
      { file: "lib.rego", text: "package shop\n\nfive := 5\n\nsigned if verify_signature(input.a)\n" },
    ];
    const rego = await compileRego(sources, ["agent.deploy"], { opa: use().program });
    await writeBundle(assemblePolicySet({ ...set, rego }, program), file);
    const asked = async (input: object): Promise<string> =>
      run(use().program, [
        "eval",
        "--format",
        "raw",
        "--bundle",
        file,
        `[true | data.agent.deploy.allow] with input as ${JSON.stringify(input)}`,
      ]);
    expect(await asked({ environment: "staging" })).toBe("[true]\n");
    expect(await asked({ environment: "production" })).toBe("[]\n");
    expect(await asked({ session_attestation: { role: "lead" } })).toBe("[]\n");
    expect(await asked({ session_attestation: { role: "lead" }, session: { bound: true } })).toBe("[true]\n");
    await run(use().program, ["build", "--bundle", file, "--output", join(folder, "again.tar.gz")]);
  });
});

test("policies that could not be opened again are not packed, whatever makes them too many", async () => {
  const packed = await packBundle(set, null);
  const size = unpackedSize(await unpack(packed));
  expect(gunzipSync(packed).length).toBe(size);
  expect(await packBundle(set, null, size)).toEqual(packed);
  for (const most of [size - 1, 100]) {
    await expect(packBundle(set, null, most)).rejects.toThrow(
      new InvalidBundle(
        `the policies of ${set.documents.size} agents are too large for a bundle: more than ${most} bytes unpacked`,
      ),
    );
  }
});

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { list } from "tar";
import { sha256Hex } from "../../src/canonical.js";
import { writeBundle } from "../../src/policies/bundle.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { run } from "../harness/programs.js";

const opa = await requirePart("opa", findOpa);
const program = loadProgram();
const set = compilePolicySet(
  [
    {
      file: "own.yaml",
      text: 'agent: a\ntools: [deploy-api]\nactions:\n  - name: deploy\n    approval_needed: env == "production"\n    allowed_environments: [staging]\n    max_replicas: 5\n',
    },
    { file: "rest.yaml", text: 'agent: "*"\nactions: [{name: read}]\n' },
    { file: "guard.yaml", text: 'guardrail: true\ndeny_actions: ["iam:*"]\n' },
  ],
  program,
  "enforce",
);

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
  expect([...content.keys()]).toEqual([
    ".manifest",
    "data.json",
    "countersign/condition.rego",
    "countersign/decision.rego",
    "countersign/soundness.rego",
    "policy.wasm",
  ]);
  expect(JSON.parse(String(content.get(".manifest")))).toEqual({
    revision: set.version,
    roots: ["countersign", "policies"],
    rego_version: 1,
  });
  expect(JSON.parse(String(content.get("data.json")))).toEqual({ policies: Object.fromEntries(set.documents) });
  expect(sha256Hex(content.get("policy.wasm") ?? "")).toBe(program.sha256);
  expect(await readdir(folder)).toEqual(["bundle.tar.gz"]);
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
});

import { pack, unpack } from "../../src/bundle/archive.js";
import { openBundle } from "../../src/bundle/open.js";
import { readBundle } from "../../src/bundle/read.js";
import { packBundle } from "../../src/bundle/write.js";
import { sha256Hex } from "../../src/canonical.js";
import { assemblePolicySet } from "../../src/policies/policy_set.js";
import { loadCompiled } from "../../src/rego/compiled.js";
import { changed, edit, freshEntries, newKey, nowMs, program, set } from "./fixture.js";

const open = (bytes: Uint8Array) => openBundle(bytes, { program, key: null, nowMs });

test("what was written is read: the same version, documents and files", async () => {
  const { set: read, signedAtMs } = await open(await packBundle(set, null));
  expect(signedAtMs).toBeNull();
  expect(read.version).toBe(set.version);
  expect(read.files).toEqual(set.files);
  expect([...read.documents]).toEqual([...set.documents]);
  expect(read.documentOf("nobody").id).toBe("*");
  expect(read.rego).toBeNull();
});

test("user Rego comes back whole", async () => {
  const sources = [{ file: "lib.rego", text: "package shop\n\nfive := 5\n" }];
  const rego = loadCompiled(new Uint8Array(0), [], sources);
  const written = assemblePolicySet({ ...set, rego }, program);
  const { set: read } = await open(await packBundle(written, null));
  expect(read.version).toBe(written.version);
  expect(read.version).not.toBe(set.version);
  expect(read.rego?.sources).toEqual(sources);
});

test("without a key a signature is not looked at", async () => {
  const key = await newKey();
  const bytes = await packBundle(set, { key, nowMs });
  expect((await open(bytes)).set.version).toBe(set.version);
});

type Change = (entries: Map<string, Buffer>) => unknown;
type Manifest = { revision: string; roots: string[]; rego_version: number; metadata: Record<string, unknown> };
type Data = { policies: Record<string, { limits: Record<string, unknown>; files: unknown; needs: unknown }> };

const manifest = (change: (manifest: Manifest) => unknown): Change => {
  return (entries) => edit(entries, ".manifest", change as never);
};
const data = (change: (data: Data) => unknown): Change => {
  return (entries) => edit(entries, "data.json", change as never);
};
const limits = (value: unknown): Change =>
  data(({ policies }) => void Object.assign(policies.a ?? {}, { limits: value }));
const form = "data.json is not what this program reads";

test.each<[string, string, Change]>([
  ["no manifest", "the bundle has no .manifest", (entries) => entries.delete(".manifest")],
  ["no data", "the bundle has no data.json", (entries) => entries.delete("data.json")],
  ["no program", "the bundle has no policy.wasm", (entries) => entries.delete("policy.wasm")],
  [
    "another program",
    "build it again with this version",
    (entries) => entries.set("policy.wasm", Buffer.from("\0asm")),
  ],
  [
    "a file of no meaning",
    "nothing is known of the file README.md",
    (entries) => entries.set("README.md", Buffer.alloc(0)),
  ],
  [
    "data elsewhere",
    "nothing is known of the file more/data.json",
    (entries) => entries.set("more/data.json", Buffer.from("{}")),
  ],
  ["a patch", "nothing is known of the file patch.json", (entries) => entries.set("patch.json", Buffer.from("{}"))],
  ["a module elsewhere", "nothing is known of the file x.rego", (entries) => entries.set("x.rego", Buffer.alloc(0))],
  [
    "another plan",
    "nothing is known of the file rego/more.wasm",
    (entries) => entries.set("rego/more.wasm", Buffer.alloc(0)),
  ],
  ["a manifest that is no JSON", ".manifest is not JSON", (entries) => entries.set(".manifest", Buffer.from("{"))],
  ["no revision", "writes: revision", manifest((it) => ({ ...it, revision: undefined }))],
  ["another kind of revision", "writes: revision", manifest((it) => ({ ...it, revision: "v1" }))],
  [
    "the revision of another set",
    "does not belong to its revision",
    manifest((it) => ({ ...it, revision: `sha256:${"0".repeat(64)}` })),
  ],
  ["no roots", "writes: roots", manifest((it) => ({ ...it, roots: undefined }))],
  ["every root", "the roots in .manifest are not countersign, policies", manifest((it) => ({ ...it, roots: [""] }))],
  ["one root more", "the roots in .manifest are not countersign, policies", manifest((it) => void it.roots.push("x"))],
  ["old Rego", "writes: rego_version", manifest((it) => ({ ...it, rego_version: 0 }))],
  ["no list of files", "writes: metadata.files", manifest((it) => ({ ...it, metadata: {} }))],
  ["WASM of OPA's own", "Unrecognized key", manifest((it) => ({ ...it, wasm: [] }))],
  ["another root of data", `${form}: Unrecognized key`, data((it) => ({ ...it, x: {} }))],
  ["no policies", `${form}: policies`, data(() => ({}))],
  ["policies that are a list", `${form}: policies`, data(() => ({ policies: [] }))],
  ["no policies for the rest", 'no policies for "*"', data(({ policies }) => void delete policies["*"])],
  [
    "an agent of no name",
    `${form}: policies`,
    data(({ policies }) => void Object.assign(policies, { "": policies["*"] })),
  ],
  [
    "a changed rule",
    "does not belong to its revision",
    (entries) => {
      entries.set("data.json", Buffer.from(String(entries.get("data.json")).replace('"limit":5', '"limit":6')));
    },
  ],
  [
    "a member more",
    `${form}: policies.a`,
    data(({ policies }) => void Object.assign(policies.a ?? {}, { allow: true })),
  ],
  [
    "files that are a map",
    `${form}: policies.a.files`,
    data(({ policies }) => void Object.assign(policies.a ?? {}, { files: {} })),
  ],
  [
    "no needs",
    `${form}: policies.a.needs`,
    data(({ policies }) => void Object.assign(policies.a ?? {}, { needs: null })),
  ],
  ["no limits", `${form}: policies.a.limits`, limits(null)],
  ["an unknown limit", `${form}: policies.a.limits`, limits({ enforced: { speed: 1 } })],
  ["a budget below nothing", "limits.enforced.daily_budget_micro", limits({ enforced: { daily_budget_micro: -1 } })],
  ["a budget that is a text", "limits.enforced.daily_budget_micro", limits({ enforced: { daily_budget_micro: "1" } })],
  ["half a micro", "limits.shadow.daily_budget_micro", limits({ shadow: { daily_budget_micro: 0.5 } })],
  [
    "a session's budget that is a text",
    "enforced.session_budget_micro",
    limits({ enforced: { session_budget_micro: "1" } }),
  ],
  ["tools that are a list", "limits.enforced.tools", limits({ enforced: { tools: [] } })],
  ["a tool without its rate", "limits.shadow.tools.x.interval_us", limits({ shadow: { tools: { x: { burst: 1 } } } })],
  [
    "a tool's rate too long",
    "tools.x: is a rate that nobody can count",
    limits({ enforced: { tools: { x: { interval_us: 2 ** 52, burst: 2 } } } }),
  ],
  [
    "a rate of nothing",
    "is a rate that nobody can count",
    limits({ enforced: { rate: { interval_us: 0, burst: 1 } } }),
  ],
  [
    "a rate too long",
    "is a rate that nobody can count",
    limits({ enforced: { rate: { interval_us: 2 ** 52, burst: 2 } } }),
  ],
  ["no burst", "limits.enforced.rate.burst", limits({ enforced: { rate: { interval_us: 1 } } })],
  [
    "policies that ask for Rego",
    "no Rego package agent.deploy",
    data(({ policies }) => {
      Object.assign(policies.a?.needs ?? {}, { rego: ["agent.deploy"] });
    }),
  ],
  ["Rego sources alone", "has not all three", (entries) => entries.set("rego/x.rego", Buffer.from("package x"))],
  ["compiled Rego alone", "has not all three", (entries) => entries.set("rego/user.wasm", Buffer.alloc(0))],
  ["bound packages alone", "has not all three", manifest((it) => void Object.assign(it.metadata, { packages: [] }))],
])("%s is refused", async (_what, message, change) => {
  const bytes = await changed(change);
  await expect(open(bytes)).rejects.toThrow(message);
  await expect(open(bytes)).rejects.toMatchObject({ name: "InvalidBundle" });
});

test.each<[string, string, Change]>([
  [
    "bytes that are no program",
    "rego/user.wasm cannot be used: ",
    (entries) => {
      edit(entries, ".manifest", ((it: Manifest) => void Object.assign(it.metadata, { packages: ["x"] })) as never);
      entries.set("rego/user.wasm", Buffer.from("\0asm"));
    },
  ],
  ["no compiled form", "the bundle has no rego/user.wasm", (entries) => entries.delete("rego/user.wasm")],
  [
    "a module without package",
    "x.rego does not begin with its package",
    (entries) => entries.set("rego/x.rego", Buffer.from("allow := true")),
  ],
  [
    "a supplied function that says something else",
    "what is under supplied/",
    (entries) => entries.set("supplied/shop.rego", Buffer.from("package shop\n\nverify_signature(_) := true\n")),
  ],
  [
    "one supply more",
    "what is under supplied/",
    (entries) => entries.set("supplied/x.rego", Buffer.from("package x\n")),
  ],
  ["one supply less", "what is under supplied/", (entries) => entries.delete("supplied/shop.rego")],
  [
    "a package that takes our place",
    "the roots in .manifest are not countersign, policies, shop",
    manifest((it) => void it.roots.pop()),
  ],
])("of user Rego, %s is refused", async (_what, message, change) => {
  const rego = loadCompiled(new Uint8Array(0), [], [{ file: "lib.rego", text: "package shop\n" }]);
  const bytes = await packBundle(assemblePolicySet({ ...set, rego }, program), null);
  await expect(open(await changed(change, await unpack(bytes)))).rejects.toThrow(message);
});

test("the program that runs is the one that counts, not what the bundle says of itself", async () => {
  const entries = await freshEntries();
  const wasm = Buffer.from("\0asm another");
  entries.set("policy.wasm", wasm);
  expect(() => readBundle(entries, program)).toThrow("another version of the program");
  expect(readBundle(entries, { sha256: sha256Hex(wasm) }).revision).toBe(set.version);
  await expect(open(await pack(entries))).rejects.toThrow("another version of the program");
});

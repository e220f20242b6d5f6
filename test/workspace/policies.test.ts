import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packBundle, writeBundle } from "../../src/bundle/write.js";
import { generateKey, readKeyFile, type SigningKey, writeKeyFile } from "../../src/keys/keys.js";
import { systemRuntime } from "../../src/runtime.js";
import { openPolicies } from "../../src/workspace/policies.js";
import { workspaceSources } from "../../src/workspace/sources.js";
import { policyOf, program, watch } from "./fixture.js";

const options = { program, mode: "enforce" } as const;

let folder: string;
let key: SigningKey;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-policies-"));
  await mkdir(at("policies"));
  await writeFile(at("policies/a.yaml"), policyOf("a"));
  await writeKeyFile(at("bundle.jwk"), generateKey("EC", "bundle"));
  key = await readKeyFile(at("bundle.jwk"), "bundle");
});
afterEach(() => rm(folder, { recursive: true }));

const sign = async (agent: string, by: SigningKey | null) => {
  await writeFile(at("policies/a.yaml"), policyOf(agent));
  const signer = by && { key: by, nowMs: Date.now() };
  await writeBundle(await openPolicies(at("policies"), options), at("bundle.tar.gz"), signer);
};

test("a folder, a file, and the bundle made of them are the same policies", async () => {
  const set = await openPolicies(at("policies"), options);
  expect((await openPolicies(at("policies/a.yaml"), options)).version).toBe(set.version);
  for (const name of ["x.tar.gz", "x.tgz"]) {
    await writeBundle(set, at(name));
    const read = await openPolicies(at(name), { ...options, mode: "shadow" });
    expect([read.version, read.files]).toEqual([set.version, ["a.yaml"]]);
  }
});

test("a folder that is called like a bundle is a folder", async () => {
  await rename(at("policies"), at("x.tar.gz"));
  expect((await openPolicies(at("x.tar.gz"), options)).files).toEqual(["a.yaml"]);
});

describe("folders below", () => {
  const put = async (name: string, text: string) => {
    await mkdir(dirname(at(`policies/${name}`)), { recursive: true });
    await writeFile(at(`policies/${name}`), text);
  };
  const said = (name: string) =>
    `${at(`policies/${name}`)}:1:1: policies in a folder below are not read: put them beside the others (only \`cases\` stays)`;
  const opened = () => openPolicies(at("policies"), options).then(({ files }) => files);

  test("cases, hidden folders and other kinds of files are passed over", async () => {
    await put("cases/a.yaml", "no policy");
    await put("..data/b.yaml", policyOf("b"));
    await put(".git/hooks/c.json", "{}");
    await put("notes/readme.md", "later");
    await symlink(at("policies"), at("policies/round"));
    expect(await opened()).toEqual(["a.yaml"]);
  });

  test.each(["team/b.yaml", "team/b.YML", "team/b.json", "team/b.rego", "team/deep/b.yaml", "Cases/b.yaml"])(
    "%s is a mistake",
    async (name) => {
      await put(name, policyOf("b"));
      await expect(opened()).rejects.toThrow(said(dirname(name)));
    },
  );

  test("each folder is told once, also when nothing stands beside it, or behind a link", async () => {
    for (const name of ["x/b.yaml", "x/c.yaml", "y/cases/d.yaml"]) await put(name, policyOf("b"));
    await mkdir(at("elsewhere"));
    await writeFile(at("elsewhere/e.yaml"), policyOf("e"));
    await symlink(at("elsewhere"), at("policies/z"));
    await rm(at("policies/a.yaml"));
    await expect(opened()).rejects.toThrow(["x", "y/cases", "z"].map(said).join("\n"));
  });

  test("a folder that is called like a file, or that is no folder at all, cannot be read", async () => {
    await mkdir(at("policies/b.yaml"));
    await expect(opened()).rejects.toThrow(`${at("policies/b.yaml")}:1:1: cannot be read`);
    await expect(openPolicies(at("nowhere"), options)).rejects.toThrow("there are no policies");
  });

  test("a server tells of one that comes, and goes on when it goes", async () => {
    const paths = { policies: at("policies"), tools: "", agents: "", people: "" };
    const { policies } = await workspaceSources(paths, { ...options, runtime: systemRuntime });
    const here = await watch({ sources: { policies } as never });
    await put("team/b.yaml", policyOf("b"));
    await here.watched.refresh();
    expect([here.inForce().policies, here.watched.trouble()]).toEqual([["a"], { policies: said("team") }]);
    await rename(at("policies/team/b.yaml"), at("policies/b.yaml"));
    await here.watched.refresh();
    expect([here.inForce().policies, here.watched.trouble()]).toEqual([["a", "b"], {}]);
    await here.stop();
  });
});

test("where a signature is wanted, nothing else will do", async () => {
  const signed = { ...options, key };
  const set = await openPolicies(at("policies"), options);
  await expect(openPolicies(at("policies"), signed)).rejects.toThrow("is no bundle, so it has no signature to check");
  await writeFile(at("x.tar.gz"), await packBundle(set, null));
  await expect(openPolicies(at("x.tar.gz"), signed)).rejects.toThrow(`${at("x.tar.gz")}:1:1: the bundle is not signed`);
  await writeFile(at("x.tar.gz"), await packBundle(set, { key, nowMs: Date.now() }));
  expect((await openPolicies(at("x.tar.gz"), signed)).version).toBe(set.version);
});

test("a bundle that is not there is said by name", async () => {
  const missing = openPolicies(at("missing.tar.gz"), options);
  await expect(missing).rejects.toThrow(`${at("missing.tar.gz")}:1:1: cannot be read`);
  await expect(missing).rejects.toMatchObject({ name: "InvalidFile" });
});

test("a bundle in a file is kept up with, and only what is signed takes effect", async () => {
  await sign("a", key);
  const paths = {
    policies: { bundle: at("bundle.tar.gz"), key_file: at("bundle.jwk") },
    tools: "",
    agents: "",
    people: "",
  };
  const { policies } = await workspaceSources(paths, { ...options, runtime: systemRuntime });
  const here = await watch({ sources: { policies } as never });
  expect(here.inForce().policies).toEqual(["a"]);

  await sign("b", key);
  await here.watched.refresh();
  expect(here.inForce().policies).toEqual(["b"]);
  await sign("c", null);
  await here.watched.refresh();
  expect(here.watched.trouble()).toEqual({ policies: `${at("bundle.tar.gz")}:1:1: the bundle is not signed` });
  await rm(at("bundle.tar.gz"));
  await here.watched.refresh();
  expect(here.watched.trouble()).toEqual({ policies: `${at("bundle.tar.gz")}:1:1: cannot be read` });
  expect(here.inForce().policies).toEqual(["b"]);
  await sign("c", key);
  await here.watched.refresh();
  expect([here.inForce().policies, here.watched.trouble()]).toEqual([["c"], {}]);
  await here.stop();
});

test("a URL without a key is refused, whatever read the configuration", async () => {
  const paths = { policies: { bundle: "https://bundles.example/x.tar.gz" }, tools: "", agents: "", people: "" };
  await expect(workspaceSources(paths, { ...options, runtime: systemRuntime })).rejects.toThrow("needs a key_file");
});

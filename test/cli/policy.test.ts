import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { countersign, init, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
beforeAll(async () => {
  await init(folder);
  await mkdir(join(folder, "bad"));
  await writeFile(join(folder, "bad", "a.yaml"), "agent: a\nactions:\n  - name: x\n    max_replicas: many\n");
  await writeFile(join(folder, "bad", "b.yaml"), "agent: b\nactions:\n  - name: x\n    maximum: 5\n");
  await mkdir(join(folder, "empty"));
  await writeFile(join(folder, "mode-less.yaml"), "agent: a\nactions: [{name: x}]\n");
});
afterAll(undo);

const run = (...args: string[]) => countersign(["policy", ...args], { cwd: folder });
const version = /sha256:[0-9a-f]{64}/;

describe("lint", () => {
  test("good files", async () => {
    const { code, stdout, stderr } = await run("lint");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^1 file, 1 agent, no mistakes: sha256:[0-9a-f]{64}\n$/);
  });

  test("good files, for a program", async () => {
    const { code, stdout } = await run("lint", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      policy_version: expect.stringMatching(version),
      files: ["deploy-manager.yaml"],
      agents: ["deploy-manager"],
      findings: [],
    });
  });

  test("mistakes of all files, each with its place", async () => {
    expect(await run("lint", "bad")).toEqual({
      code: 1,
      stdout:
        "a.yaml:4:19: actions[0].max_replicas: expected a number, not a text\n" +
        "b.yaml:4:14: actions[0].maximum: unknown key\n",
      stderr: "",
    });
  });

  test("mistakes, for a program", async () => {
    const { code, stdout, stderr } = await run("lint", "bad", "--json");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      problems: [
        {
          file: "a.yaml",
          line: 4,
          column: 19,
          path: "actions[0].max_replicas",
          message: "expected a number, not a text",
        },
        { file: "b.yaml", line: 4, column: 14, path: "actions[0].maximum", message: "unknown key" },
      ],
    });
  });

  test("a folder without policies does not pass", async () => {
    const { code, stdout } = await run("lint", "empty");
    expect(code).toBe(1);
    expect(stdout).toBe("empty:1:1: there are no policies: expected a folder with .yaml or .json files\n");
  });

  test("one file, where no configuration is", async () => {
    const { code, stdout } = await countersign(["policy", "lint", "../mode-less.yaml"], { cwd: join(folder, "empty") });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^1 file, 1 agent, no mistakes: /) });
  });
});

test("files that name no mode have the configuration's, which makes another version", async () => {
  const versionIn = async (env: Record<string, string>): Promise<string> => {
    const { stdout } = await countersign(["policy", "lint", "mode-less.yaml", "--json"], { cwd: folder, env });
    return JSON.parse(stdout).policy_version;
  };
  expect(await versionIn({ COUNTERSIGN_MODE: "shadow" })).not.toBe(await versionIn({ COUNTERSIGN_MODE: "enforce" }));
});

describe("build", () => {
  test("writes a bundle of OPA, the same bytes each time", async () => {
    const { code, stdout, stderr } = await run("build", "-o", "one.tar.gz", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const told = JSON.parse(stdout);
    expect(told).toEqual({ bundle: "one.tar.gz", policy_version: expect.stringMatching(version) });

    const member = (name: string) => execFileSync("tar", ["-xzOf", join(folder, "one.tar.gz"), name]).toString();
    expect(JSON.parse(member(".manifest"))).toMatchObject({ revision: told.policy_version });
    expect(Object.keys(JSON.parse(member("data.json")).policies)).toEqual(["*", "deploy-manager"]);

    expect((await run("build", "--output", "two.tar.gz")).stdout).toBe(`wrote two.tar.gz: ${told.policy_version}\n`);
    expect(readFileSync(join(folder, "two.tar.gz")).equals(readFileSync(join(folder, "one.tar.gz")))).toBe(true);
  });

  test("writes nothing when there are mistakes", async () => {
    const before = await readdir(folder);
    const { code, stdout, stderr } = await run("build", "bad", "-o", "bad.tar.gz");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("countersign: a.yaml:4:19: actions[0].max_replicas: expected a number");
    expect(await readdir(folder)).toEqual(before);
  });
});

describe("bundles", () => {
  beforeAll(async () => {
    expect((await run("key", "keys/own.jwk")).code).toBe(0);
    expect((await run("build", "-o", "signed.tar.gz", "--signing-key", "keys/own.jwk")).code).toBe(0);
    expect((await run("build", "-o", "plain.tar.gz")).code).toBe(0);
  });
  const configured = (policies: object) =>
    countersign(["policy", "lint", "--json"], { cwd: folder, env: { COUNTERSIGN_POLICIES: JSON.stringify(policies) } });

  test("a key is told of, and never written over", async () => {
    const { code, stdout } = await run("key", "other.jwk", "--json");
    expect(code).toBe(0);
    const told = JSON.parse(stdout);
    expect(told).toEqual({ private_key: "other.jwk", public_key: "other.pub.pem", kid: expect.any(String) });
    const { mode } = statSync(join(folder, "other.jwk"));
    expect(mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "other.pub.pem"), "utf8")).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    expect(await run("key", "other.jwk")).toEqual({
      code: 2,
      stdout: "",
      stderr: "countersign: other.jwk exists already\n",
    });
  });

  test("lint reads a bundle as it reads the folder that it was made of", async () => {
    const [ofFolder, ofBundle] = [await run("lint", "--json"), await run("lint", "signed.tar.gz", "--json")];
    expect(ofBundle).toEqual(ofFolder);
    const built = JSON.parse((await run("build", "plain.tar.gz", "-o", "again.tar.gz", "--json")).stdout);
    expect(built.policy_version).toBe(JSON.parse(ofFolder.stdout).policy_version);
    expect(readFileSync(join(folder, "again.tar.gz")).equals(readFileSync(join(folder, "plain.tar.gz")))).toBe(true);
  });

  test("lint tells what is wrong with a bundle", async () => {
    await writeFile(join(folder, "broken.tar.gz"), "no bundle");
    expect(await run("lint", "broken.tar.gz")).toEqual({
      code: 1,
      stdout: "broken.tar.gz:1:1: it is no gzip file\n",
      stderr: "",
    });
  });

  test("the signature counts where the configuration names a key", async () => {
    const key_file = "./keys/own.pub.pem";
    expect((await configured({ bundle: "./signed.tar.gz", key_file })).code).toBe(0);
    const unsigned = await configured({ bundle: "./plain.tar.gz", key_file });
    expect([unsigned.code, JSON.parse(unsigned.stdout).problems[0].message]).toEqual([1, "the bundle is not signed"]);
  });

  test("a bundle at a URL is not fetched", async () => {
    const away = await configured({ bundle: "https://bundles.example/x.tar.gz", key_file: "./keys/own.pub.pem" });
    expect([away.code, away.stderr]).toEqual([
      2,
      "countersign: ./countersign.yaml names a bundle at a URL; give a folder or a file\n",
    ]);
  });

  test("a key for something else signs no bundle, and nothing is written", async () => {
    const { code, stderr } = await run("build", "-o", "x.tar.gz", "--signing-key", "var/audit.jwk");
    expect([code, stderr]).toEqual([2, expect.stringContaining("a key for audit cannot be the key for bundle")]);
    expect(await readdir(folder)).not.toContain("x.tar.gz");
  });
});

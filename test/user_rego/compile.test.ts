import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidFile } from "../../src/files/located_yaml.js";
import { compileRego, loadCompiled, UnknownPackage } from "../../src/rego/compile.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { run } from "../harness/programs.js";
import { deploy, simple } from "./policies.js";

const opa = await requirePart("opa", findOpa);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-rego-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A program of the test's own in place of `opa`. */
async function script(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

describeWith(opa, "what compiles", (use) => {
  const compile = (...args: Parameters<typeof compileRego>) => compileRego(args[0], args[1], { opa: use().program });

  test("gives the bound packages and the sources", async () => {
    const rego = await compile([simple, deploy], ["simple", "agent.deploy", "simple"]);
    expect(rego.packages).toEqual(["agent.deploy", "simple"]);
    expect(rego.sources).toEqual([deploy, simple]);
    expect(rego.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("has the same hash whatever the order, and another for other packages", async () => {
    const [one, other, fewer] = await Promise.all([
      compile([simple, deploy], ["simple", "agent.deploy"]),
      compile([deploy, simple], ["agent.deploy", "simple"]),
      compile([deploy, simple], ["agent.deploy"]),
    ]);
    expect(one?.sha256).toBe(other?.sha256);
    expect(one?.sha256).not.toBe(fewer?.sha256);
  });

  test("is not compiled again while it is among the last eight", async () => {
    const numbered = (n: number) => [{ file: "n.rego", text: `package n\n\nallow if input == ${n}\n` }];
    const first = await compile(numbered(0), ["n"]);
    const absent = { opa: join(folder, "absent") };
    for (let n = 1; n <= 7; n++) await compile(numbered(n), ["n"]);
    expect(await compileRego(numbered(0), ["n"], absent)).toBe(first);
    for (let n = 8; n <= 15; n++) await compile(numbered(n), ["n"]);
    await expect(compileRego(numbered(0), ["n"], absent)).rejects.toThrow(InvalidFile);
    expect((await compile(numbered(0), ["n"])).sha256).toBe(first.sha256);
  });

  test("is compiled in a folder that goes away, without our environment", async () => {
    process.env.OPA_LOG_LEVEL = "debug";
    try {
      const spy = await script("spy", `{ env; pwd; } >> ${folder}/seen\nexec ${use().program} "$@"`);
      await compileRego([{ file: "spied.rego", text: "package spied\n" }], ["spied"], { opa: spy });
    } finally {
      delete process.env.OPA_LOG_LEVEL;
    }
    const seen = (await readFile(join(folder, "seen"), "utf8")).split("\n");
    expect(seen.filter((line) => /^OPA_/.test(line))).toEqual([]);
    const home = seen.find((line) => line.startsWith("HOME="))?.slice(5) ?? "";
    expect(seen).toContain(home);
    expect(existsSync(home)).toBe(false);
  });

  test("need not be bound", async () => {
    const rego = await compile([simple], []);
    expect([rego.packages, rego.wasm.length]).toEqual([[], 0]);
  });

  test("is found by OPA_BIN", async () => {
    const before = process.env.OPA_BIN;
    process.env.OPA_BIN = use().program;
    try {
      const rego = await compileRego([{ file: "named.rego", text: "package named\n" }], ["named"]);
      expect(rego.packages).toEqual(["named"]);
    } finally {
      if (before === undefined) delete process.env.OPA_BIN;
      else process.env.OPA_BIN = before;
    }
  });

  test("is put together again from its parts", async () => {
    const rego = await compile([simple, deploy], ["simple", "agent.deploy"]);
    expect(loadCompiled(rego.wasm, ["simple", "agent.deploy"], rego.sources)).toEqual(rego);
    expect(() => loadCompiled(rego.wasm, ["simple", "other"], [])).toThrow(
      "the compiled Rego does not answer for other",
    );
    expect(() => loadCompiled(rego.wasm.subarray(0, 1000), ["simple"], [])).toThrow(/WebAssembly/);
    expect(() => loadCompiled(new Uint8Array(), ["simple"], [])).toThrow(/WebAssembly/);
  });

  test("has no builtin that runs outside of WebAssembly, whoever compiled it", async () => {
    await writeFile(join(folder, "outside.rego"), 'package outside\n\nallow if sprintf("%s", [input.x]) == "y"\n');
    await run(use().program, [
      ...["build", "-t", "wasm", "-e", "outside/allow", "-o", join(folder, "outside.tar.gz")],
      join(folder, "outside.rego"),
    ]);
    await run("tar", ["-xzf", join(folder, "outside.tar.gz"), "-C", folder, "/policy.wasm"]);
    const wasm = await readFile(join(folder, "policy.wasm"));
    expect(() => loadCompiled(wasm, ["outside"], [])).toThrow("not part of WebAssembly: sprintf");
  });

  test("has a package for every binding", async () => {
    const error = await compile([simple, deploy], ["agent", "simple", "agent.deploy.x", 'a["b"]']).catch((e) => e);
    expect(error).toBeInstanceOf(UnknownPackage);
    expect(error.packages).toEqual(['a["b"]', "agent", "agent.deploy.x"]);
    expect(error.message).toBe('no .rego file declares package a["b"], agent, agent.deploy.x');
  });
});

test("without files no package is known, and no opa needed", async () => {
  const absent = { opa: join(folder, "absent") };
  await expect(compileRego([], ["agent.deploy"], absent)).rejects.toThrow(UnknownPackage);
  expect((await compileRego([], [], absent)).packages).toEqual([]);
});

describe("without a working opa the first file says so", () => {
  const help = "put opa 1.0 or newer on PATH, or name it in OPA_BIN (https://www.openpolicyagent.org/docs)";
  const said = (program: string) =>
    compileRego([simple, deploy], ["agent.deploy", "agent.deploy"], { opa: program }).catch((error) => error);

  test("absent", async () => {
    const program = join(folder, "absent");
    const error = await said(program);
    expect(error).toBeInstanceOf(InvalidFile);
    expect(error.message).toBe(
      `deploy.rego:1:1: policies in Rego are compiled with opa, and ${program} is no program that can be run: ${help}`,
    );
  });

  test("too old", async () => {
    const old = await script("old", `echo '{"builtins": [{"name": "eq"}], "features": ["rego_v1_import"]}'`);
    expect((await said(old)).message).toBe(`deploy.rego:1:1: this opa is too old: ${help}`);
  });

  test("something else", async () => {
    const other = await script("other", "echo hello");
    expect((await said(other)).message).toBe(`deploy.rego:1:1: this opa is too old: ${help}`);
  });

  test("failing", async () => {
    const failing = await script("failing", 'echo "no space left" >&2; exit 3');
    expect((await said(failing)).message).toBe("deploy.rego:1:1: opa capabilities failed: no space left");
  });

  test("killed", async () => {
    const killed = await script("killed", "kill -9 $$");
    expect((await said(killed)).message).toMatch(/^deploy\.rego:1:1: opa broke down: /);
  });
});

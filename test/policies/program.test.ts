import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Hex } from "../../src/canonical.js";
import { entrypoints, loadProgram, type Program } from "../../src/policies/program.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import {
  buildProgram,
  hashSources,
  lockFile,
  type PolicyLock,
  staleParts,
  wasmFile,
} from "../harness/policy_program.js";
import { judge, sampleCases } from "../rego/cases.js";

const opa = await requirePart("opa", findOpa);
const lock = JSON.parse(readFileSync(lockFile, "utf8")) as PolicyLock;

test("the checked-in program was built from the checked-in sources (else: make policies)", async () => {
  expect(await staleParts()).toEqual([]);
  expect(Object.keys(await hashSources())).toEqual([
    "rego/applies.rego",
    "rego/condition.rego",
    "rego/decision.rego",
    "rego/explanation.rego",
    "rego/parameters.rego",
    "rego/particulars.rego",
    "rego/patterns.rego",
    "rego/plan.rego",
    "rego/rules.rego",
    "rego/session.rego",
    "rego/shortcut.rego",
    "rego/soundness.rego",
  ]);
});

/** The module as the library loads it. */
function loaded() {
  const { loadPolicySync } = createRequire(import.meta.url)("@open-policy-agent/opa-wasm");
  return loadPolicySync(readFileSync(wasmFile)) as {
    entrypoints: object;
    wasmInstance: { exports: Record<string, (address?: number) => number> };
    mem: { buffer: ArrayBuffer };
  };
}

test("the program knows its own hash and has the entrypoints it is asked by", () => {
  expect(loadProgram().sha256).toBe(lock.wasm);
  expect(Object.keys(loaded().entrypoints).sort()).toEqual([...entrypoints].sort());
});

test("asked without an entrypoint it decides", () => {
  const instance = loadProgram().instantiate();
  instance.setData({ policies: {} });
  expect(instance.evaluate({ agent: { id: "a" } })).toEqual(instance.evaluate({ agent: { id: "a" } }, entrypoints[0]));
  expect(instance.evaluate({ agent: { id: "a" } })).toMatchObject([{ result: { decision: { reason: "no_policy" } } }]);
});

test("the program asks its host for no builtin, so nothing of it runs as JavaScript", () => {
  const instance = loaded();
  const { builtins, opa_json_dump } = instance.wasmInstance.exports;
  const bytes = new Uint8Array(instance.mem.buffer, opa_json_dump?.(builtins?.()));
  expect(Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString()).toBe("{}");
});

test("a file that is no program is refused when it is loaded", async () => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-test-"));
  try {
    const file = join(folder, "policy.wasm");
    await writeFile(file, "not wasm");
    expect(() => loadProgram(file)).toThrow(/WebAssembly|magic/);
    expect(() => loadProgram(join(folder, "none.wasm"))).toThrow("ENOENT");
  } finally {
    await rm(folder, { recursive: true });
  }
});

describeWith(opa, "built anew", (use) => {
  test("the same opa gives the same bytes, another one the same answers", async () => {
    const rebuilt = await buildProgram(use());
    if (use().version === lock.opa) {
      expect(sha256Hex(rebuilt)).toBe(lock.wasm);
      return;
    }
    const folder = await mkdtemp(join(tmpdir(), "countersign-test-"));
    try {
      await writeFile(join(folder, "policy.wasm"), rebuilt);
      const answers = (program: Program): unknown[] => sampleCases(100, 7).map((sample) => judge(program, sample));
      expect(answers(loadProgram(join(folder, "policy.wasm")))).toEqual(answers(loadProgram()));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

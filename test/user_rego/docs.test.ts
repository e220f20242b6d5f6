import { readFileSync } from "node:fs";
import { join } from "node:path";
import { builtins } from "../../src/rego/builtins.js";
import { compileRego } from "../../src/rego/compile.js";
import { createRegoPool } from "../../src/rego/pool.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository } from "../harness/programs.js";

const opa = await requirePart("opa", findOpa);
const page = readFileSync(join(repository, "docs/rego.md"), "utf8");

test("docs/rego.md lists the builtins that can be called", () => {
  const rows = /\| of \| builtins \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(page)?.[1] ?? "";
  const listed = [...rows.matchAll(/^\| (\w+) \| (.+) \|$/gm)].map(([, kind = "", names = ""]) => [
    kind,
    [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  ]);
  expect(Object.fromEntries(listed)).toEqual(builtins);
});

describeWith(opa, "the examples of docs/rego.md", (use) => {
  test("compile, and decide as the page says", async () => {
    const modules = [...page.matchAll(/^```rego\n(.*?)^```$/gms)].map(([, text = ""], i) => ({
      file: `${i}.rego`,
      text,
    }));
    const packages = ["agent.deploy", "agent.release", "agent.guarded"];
    const rego = await compileRego(modules, packages, { opa: use().program });
    const pool = createRegoPool({ deadlineMs: 5_000 });
    const none = { deny: false, requires_human_approval: false, allow: false };
    const claims = { tests_passed: true, artifact_signed: true };
    try {
      expect(await pool.evaluate(rego, packages, { environment: "staging", params: claims }, "a")).toEqual({
        "agent.deploy": none,
        "agent.release": none,
        "agent.guarded": { ...none, deny: true },
      });
      const attestation = { anomalies_detected: false, role: "platform-lead" };
      const unbound = { environment: "staging", facts: claims, session_attestation: attestation };
      expect(await pool.evaluate(rego, packages, unbound, "a")).toMatchObject({
        "agent.guarded": { ...none, deny: true },
      });
      const proven = { ...unbound, session: { bound: true } };
      expect(await pool.evaluate(rego, packages, proven, "a")).toMatchObject({
        "agent.deploy": { ...none, allow: true },
        "agent.guarded": none,
      });
      expect(await pool.evaluate(rego, packages, { ...proven, environment: "production" }, "a")).toMatchObject({
        "agent.deploy": { ...none, requires_human_approval: true },
        "agent.release": { ...none, allow: true },
      });
    } finally {
      await pool.close();
    }
  });
});

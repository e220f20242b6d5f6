import { readFileSync } from "node:fs";
import { callSchema } from "../../src/policy_tools/call_schema.js";
import { readCases } from "../../src/policy_tools/cases/read.js";
import { passed, runCases } from "../../src/policy_tools/cases/run.js";
import { wantSchema } from "../../src/policy_tools/cases/schema.js";
import { withJudges } from "../../src/policy_tools/judges.js";
import { checks } from "../../src/policy_tools/lint/table.js";
import { policies, program } from "./fixture.js";

const page = readFileSync(new URL("../../docs/policy-tools.md", import.meta.url), "utf8");

/** The names in the first column of a section's table. */
function rows(section: string): string[] {
  const text = page.split(/^## /m).find((part) => part.startsWith(section)) ?? "";
  const cells = [...text.matchAll(/^\| (`[^|]+) \|/gm)].map((match) => match[1] ?? "");
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""));
}

test("every key of a call has its row", () => expect(rows("Calls")).toEqual(Object.keys(callSchema.shape)));

test("every key of what a case wants has its row", () => {
  expect(rows("Cases")).toEqual(Object.keys(wantSchema.shape));
});

test("every check has its row", () => expect(rows("Checks")).toEqual(Object.keys(checks)));

test("the cases on the page pass", async () => {
  const text = /^```yaml\n(.*?)^```/ms.exec(page)?.[1] ?? "";
  const set = policies({
    "p.yaml": `agent: deploy-manager
actions:
  - {name: deploy, allowed_environments: [staging], approval_needed: env == "production", max_replicas: 50}`,
  });
  const cases = readCases([{ file: "page", text }]);
  const results = await withJudges(set, program, (judges) => runCases(cases, judges));
  expect(results.map(passed)).toEqual([true, true, true]);
});

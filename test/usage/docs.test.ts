import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { policiesOf } from "../audit/decisions.js";
import { answers } from "../harness/openapi/schemas.js";
import { repository } from "../harness/programs.js";

const page = readFileSync(join(repository, "docs/limits.md"), "utf8");
const block = (language: string): string => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(page)?.[1] ?? "";

test("the policy of the page is one", async () => {
  const written = parse(block("yaml"));
  const policies = await policiesOf({ "deploy-manager.yaml": written });
  expect(policies.documentOf("deploy-manager").document.limits.enforced).toEqual({
    rate: { interval_us: 200_000, burst: 10 },
    tools: { "deploy-api": { interval_us: 6_000_000, burst: 2 } },
    daily_budget_micro: 100_000_000,
    session_budget_micro: 20_000_000,
  });
});

test("the usage of the page has the form of the API's", () => {
  expect(answers.Usage.safeParse(JSON.parse(block("json"))).error).toBeUndefined();
});

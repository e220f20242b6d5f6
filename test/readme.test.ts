import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { configSchema } from "../src/config/schema.js";
import { compilePolicySet } from "../src/policies/policy_set.js";
import { loadProgram } from "../src/policies/program.js";
import { refusalOf } from "../src/reasons.js";
import { nextStep } from "../src/respond/next.js";
import { type Problem, problem } from "../src/respond/problem.js";
import { cli, init, serve, temporaryFolder } from "./cli/run.js";
import { repository } from "./harness/programs.js";

const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
const text = (page: string) => readFileSync(join(repository, page), "utf8");
const readme = text("README.md");
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(([, block = ""]) => block);

test("the policy loads", async () => {
  const [policy = ""] = blocks("yaml");
  const set = await compilePolicySet([{ file: "readme.yaml", text: policy }], loadProgram(), "enforce");
  expect(set.documentOf("deploy-manager").document).toMatchObject({
    mode: "enforce",
    limits: { enforced: { rate: { interval_us: 200_000, burst: 10 }, daily_budget_micro: 100_000_000 } },
  });
});

/** Every member of a refusal that waits for nobody, in the documented order; the compiler holds them to the type. */
const members: Record<Exclude<keyof Problem, "approval">, true> = {
  type: true,
  title: true,
  status: true,
  detail: true,
  error: true,
  decision: true,
  reason: true,
  violations: true,
  decision_id: true,
  policy_version: true,
  agent_id: true,
  tool: true,
  action: true,
  next: true,
};

test("the refusal has the members of a real one, in their order", () => {
  const shown = JSON.parse(blocks("json")[0] ?? "");
  const { type, title, ...fields } = shown;
  expect(problem(fields)).toEqual(shown);
  expect(Object.keys(shown)).toEqual(Object.keys(members));
  expect(shown.next).toBe(nextStep(shown, shown.error));
  expect(refusalOf(shown.reason)).toEqual({ error: shown.error, status: shown.status });
});

test("the filter says what the shipped configuration says", () => {
  const [, filter = ""] = blocks("yaml");
  const [{ typed_config: shown }] = parse(filter).http_filters;
  const shipped = parse(text("envoy/reverse-proxy.yaml"));
  const [manager] = shipped.static_resources.listeners[0].filter_chains[0].filters;
  expect(manager.typed_config.http_filters[0].typed_config).toMatchObject(shown);
});

test("what CI needs loads, and its commands are those that are tested with the page on tokens", async () => {
  const [, , configuration = ""] = blocks("yaml");
  const { trusted } = configSchema.parse(parse(configuration)).identity;
  expect(trusted).toMatchObject([{ for: "exchange", agent: "deploy-manager" }]);
  const [, tested] = /```sh\n([\s\S]*?)```/.exec(text("docs/tokens.md")) ?? [];
  expect(blocks("sh").filter((block) => block.includes("/oauth2/token"))).toEqual([tested]);
});

test("the first call is allowed right after init", async () => {
  const [command = ""] = blocks("sh").filter((block) => block.includes("/v1/check"));
  const { folder, undo } = await temporaryFolder();
  await init(folder);
  const { server, http } = await serve(folder);
  const here = command
    .replace("http://127.0.0.1:9192", http)
    .replace("node dist/cli.js", `node ${cli}`)
    .replace("./my-countersign", folder);
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", here], { cwd: folder });
  await server.stop();
  await undo();
  expect(JSON.parse(stdout)).toMatchObject({ decision: "allow", enforced: "allow", reason: "allowed" });
});

test.each(pages)("every link of %s leads somewhere", (page) => {
  const links = [...text(page).matchAll(/\]\(([^)#:]+)\)/g)].map(([, target = ""]) => target);
  expect(links.filter((target) => !existsSync(join(repository, target)))).toEqual([]);
});

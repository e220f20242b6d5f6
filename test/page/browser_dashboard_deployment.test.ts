import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { sha256Hex } from "../../src/canonical.js";
import { deploy, release } from "../demo/steps.js";
import { startBrowser, type Visit, visit } from "../harness/browser.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { everyRecord } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { signIn } from "./browser_fixture.js";
import { checkLook, lookOf, looks } from "./looks.js";

const parts = await requirePart("Envoy or Chromium", async () => ({
  envoyProgram: await findEnvoy(),
  browser: await startBrowser(),
}));
const auditor = "cst_a-token-of-somebody-who-audits";
const questions = [
  "What was deployed?",
  "Who authorised it?",
  "Was it within policy?",
  "Did the agent behave normally?",
  "Did it touch sensitive data?",
];

/** Somebody who audits, and detectors that look at every call. */
async function edit(folder: string): Promise<void> {
  const person = `  - {id: aud@example.com, access: [auditor], tokens: [{sha256: "${sha256Hex(auditor)}"}]}\n`;
  await appendFile(join(folder, "people.yaml"), person);
  const detectors = 'guardrail: true\nactions:\n  - name: "*"\n    dlp: {email: tag}\n';
  await writeFile(join(folder, "policies", "dlp.yaml"), detectors);
}

describeWith(parts, "a deployment on the dashboard: shadow, refusal, approval, success, over Envoy", (use) => {
  let stack: Stack;
  let browser: Browser;
  let last: string;
  let approvalId: string;
  const visits: Visit[] = [];

  beforeAll(async () => {
    browser = use().browser;
    stack = await startStack({ store: "memory:", envoyProgram: use().envoyProgram, edit });
    const call = async (agent: string, environment: string, more: object, headers: Record<string, string> = {}) => {
      const { host, path, json } = deploy(environment, { image_tag: "42.0", ...release, ...more });
      return stack.call(agent, { host, path, ...(json && { json }), headers });
    };
    expect((await call("release-bot", "staging", { replicas: 9 })).status).toBe(200);
    expect((await call("deploy-manager", "staging", { replicas: 200 })).status).toBe(403);
    const asked = JSON.parse((await call("deploy-manager", "production", { replicas: 3 })).body);
    approvalId = asked.approval.id;
    const given = { decision: "approve", comment: "release 42" };
    await stack.ask(stack.people.approver, `/v1/approvals/${approvalId}/decision`, given);
    const shown = await stack.ask(await stack.token("deploy-manager"), `/v1/approvals/${approvalId}?wait=10s`);
    const override = { "x-countersign-override": JSON.parse(shown.body).override_token };
    expect((await call("deploy-manager", "production", { replicas: 3 }, override)).status).toBe(200);
    last = String(stack.tool.requests.at(-1)?.headers["x-countersign-decision-id"]);
    const told = async () => {
      const outcomes = (await everyRecord(join(stack.folder, "var", "audit"))).filter(({ kind }) => kind === "outcome");
      return outcomes.length === 2;
    };
    await until(told, { what: "what became of both calls", timeoutMs: 60_000 });
  });
  afterAll(async () => {
    await Promise.all(visits.map((one) => one.close()));
    await browser.close();
    await stack?.stop();
    expect(visits.flatMap(({ trouble }) => trouble)).toEqual([]);
  });

  async function signedIn(at: string, options: BrowserContextOptions = {}): Promise<Page> {
    const one = await visit(browser, stack.api, options);
    visits.push(one);
    await one.page.goto(at);
    await signIn(one.page, auditor, "Your token");
    return one.page;
  }
  const card = (page: Page, title: string) =>
    page.locator("section.card", { has: page.getByRole("heading", { name: title, exact: true }) });

  test("answers the five questions from the records, and shows what they rest on", async () => {
    const page = await signedIn(`/dashboard/deployments/${release.deployment_id}`);
    const answers = [
      ["Yes", /^2 calls let through: deploy-api:deploy .*production\) succeeded with status 200\.$/],
      ["Partly", /with the approval of alice@example\.com; nobody authorised the rest: 1 call of agent release-bot/],
      [
        "Partly",
        /was allowed by the policies then in force.*went through in shadow mode against policy \(max_replicas\)/,
      ],
      ["Yes", /the sessions were clean; 1 call was refused \(max_replicas\)/],
      ["No", /its calls are about config/],
    ] as const;
    for (const [i, [status, sentence]] of answers.entries()) {
      const one = card(page, questions[i] ?? "");
      expect(await one.locator(".answer-head .tag").innerText()).toBe(status);
      expect(await one.locator(".summary").innerText()).toMatch(sentence);
    }
    await page.getByText("Signatures hold").waitFor();
    const calls = await card(page, "Its calls").locator("li").allInnerTexts();
    expect(calls.map((text) => text.replace(/\s+/g, " "))).toEqual([
      expect.stringMatching(/^Allowed Succeeded deploy-api deploy in production deploy-manager/),
      expect.stringMatching(/^Approval needed deploy-api deploy in production/),
      expect.stringMatching(/^Denied deploy-api deploy in staging deploy-manager max_replicas/),
      expect.stringMatching(/^Allowed Would be denied Succeeded deploy-api deploy in staging release-bot/),
    ]);

    const authorised = card(page, "Who authorised it?");
    await authorised.getByText("Records that prove it (3)").click();
    expect(await authorised.locator(".proofs li").allInnerTexts()).toEqual([
      expect.stringMatching(/^decision \d+/),
      expect.stringMatching(/^approval \d+/),
      expect.stringMatching(/^decision \d+/),
    ]);
    await authorised.getByText("What this rests on").click();
    await authorised.getByText("release 42").first().waitFor();
    await authorised.locator(`a[href="/approvals/${approvalId}"]`).first().click();
    await page.waitForURL(`${stack.api}/approvals/${approvalId}`);
    await page.getByText("Approved and used").waitFor();
  });

  test("one decision shows what became of the call, and leads to its approval", async () => {
    const page = await signedIn(`/dashboard/decisions/${last}`);
    const became = card(page, "What became of it");
    expect(await became.innerText()).toMatch(
      /The tool's answer\s+Succeeded\s+status 200 in [\d.]+ .?s\s+from 127\.0\.0\.1:/,
    );
    const whole = await card(page, "The whole record of its outcome").locator(".whole").innerText();
    expect(JSON.parse(whole)).toMatchObject({ kind: "outcome", decision_id: last, outcome: "succeeded", status: 200 });
    expect(await card(page, "Approval").innerText()).toMatch(/Approved by\s+alice@example\.com on /);
    await card(page, "Approval").getByRole("link", { name: approvalId }).click();
    await page.getByRole("heading", { name: "deploy-api deploy in production" }).waitFor();
  });

  test("scopes tell what was too wide, what was never used, and by how much", async () => {
    const page = await signedIn("/dashboard#scopes");
    const agent = page.locator("li.entry", { has: page.getByRole("link", { name: "deploy-manager" }) });
    const text = (await agent.innerText()).replace(/\s+/g, " ");
    expect(text).toMatch(/1 too wide 1 never used/);
    expect(text).toMatch(/deploy-api:\* 1 call, last on .* would be enough: deploy-api:deploy aws:\* never used/);
  });

  test.each(filters())("decisions are found by %s", async (name, label, value, wanted) => {
    const page = await signedIn("/dashboard#decisions");
    await page.locator(".rows li").nth(3).waitFor();
    if (await page.getByLabel(label, { exact: true }).isHidden()) await page.getByText("More filters").click();
    const field = page.getByLabel(label, { exact: true });
    if ((await field.evaluate(({ tagName }) => tagName)) === "SELECT") await field.selectOption(value);
    else await field.fill(value);
    await page.getByRole("button", { name: "Filter" }).click();
    expect(new URL(page.url()).searchParams.get(name)).toBe(value);
    const rows = page.locator(".rows li");
    await until(async () => (await rows.count()) === wanted, { what: `${wanted} decisions`, timeoutMs: 30_000 });
    await page.reload();
    await rows.nth(wanted - 1).waitFor();
    expect(await rows.count()).toBe(wanted);
    expect(await page.getByLabel(label, { exact: true }).inputValue()).toBe(value);
  });

  test.each(looks)("on a %s, %s: what is told of it is usable by everybody", async (size, colorScheme) => {
    const named = (view: string) => `story-${view}-${size}-${colorScheme}`;
    const page = await signedIn(`/dashboard/deployments/${release.deployment_id}`, lookOf([size, colorScheme]));
    await card(page, "Its calls").locator("li").nth(3).waitFor();
    await checkLook(page, named("deployment"));
    for (const summary of await page.locator(".answer-card summary").all()) await summary.click();
    await checkLook(page, named("facts"));
    // No value is squeezed into a column of a few letters.
    expect(await page.locator(".answer-card").first().evaluate(heightOf)).toBeLessThan(4_000);
    await page.goto(`/dashboard/decisions/${last}`);
    await card(page, "The whole record of its outcome").waitFor();
    await checkLook(page, named("decision"));
    await page.goto("/dashboard#scopes");
    await page.getByRole("link", { name: "deploy-manager" }).waitFor();
    await checkLook(page, named("scopes"));
  });
});

/** Runs in the browser. */
function heightOf(one: { clientHeight: number }): number {
  return one.clientHeight;
}

/** Parameter, label, what is asked for, and how many of the four decisions that finds. */
function filters(): [name: string, label: string, value: string, wanted: number][] {
  return [
    ["environment", "Environment", "production", 2],
    ["service", "Service", "shop", 4],
    ["decision", "Decision", "approval_needed", 1],
    ["from", "When", "1h", 4],
    ["deployment_id", "Deployment", release.deployment_id, 4],
    ["reason", "Reason", "max_replicas", 2],
    ["approver", "Approved by", "alice@example.com", 1],
  ];
}

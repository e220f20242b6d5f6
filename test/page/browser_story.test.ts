import { join } from "node:path";
import type { Browser } from "playwright-core";
import { deploy } from "../demo/steps.js";
import { startBrowser, type Visit, visit } from "../harness/browser.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { signIn } from "./browser_fixture.js";

const parts = await requirePart("Envoy or Chromium", async () => ({
  envoyProgram: await findEnvoy(),
  browser: await startBrowser(),
}));

describeWith(parts, "an approval from the agent's call to the tool, over Envoy and the page in Chromium", (use) => {
  let stack: Stack;
  let browser: Browser;
  let person: Visit;
  beforeAll(async () => {
    browser = use().browser;
    stack = await startStack({ store: "memory:", envoyProgram: use().envoyProgram });
  });
  afterAll(async () => {
    await browser.close();
    await stack?.stop();
  });

  test("a call is refused, appears, is approved in one click, and then passes once", async () => {
    person = await visit(browser, stack.api);
    const { page } = person;
    await page.goto("/approvals");
    await signIn(page, stack.people.approver);
    await page.getByText("Nothing waits for an answer").waitFor();

    const production = deploy("production", { note: "before the sale\u202e" });
    const refused = JSON.parse((await stack.call("deploy-manager", production)).body);
    expect(refused).toMatchObject({ status: 403, error: "ApprovalNeeded" });
    await page.getByRole("link", { name: "deploy-api deploy in production" }).click();
    await page.getByText('"before the sale\\u202e"').waitFor();
    await page.getByLabel("Comment (optional)").fill("checked with the team");
    await page.getByRole("button", { name: `Approve deploy-api deploy in production, ${refused.approval.id}` }).click();
    await page.getByText("You have approved this call.").waitFor();

    const { pathname } = new URL(refused.approval.status_url);
    const shown = JSON.parse((await stack.ask(await stack.token("deploy-manager"), pathname)).body);
    const again = { ...production, headers: { "x-countersign-override": shown.override_token } };
    const other = { ...deploy("production", { note: "before the sale" }), headers: again.headers };
    expect((await stack.call("deploy-manager", other)).status).toBe(403);
    expect((await stack.call("deploy-manager", again)).status).toBe(200);
    expect((await stack.call("deploy-manager", again)).status).toBe(403);
    expect(stack.tool.requests).toHaveLength(1);
    await page.getByText("Approved and used").waitFor();

    const answers = (await auditRecords(join(stack.folder, "var", "audit"))).filter(({ kind }) => kind === "approval");
    expect(answers).toMatchObject([
      { approver: "alice@example.com", decision: "approve", comment: "checked with the team", outcome: "approved" },
    ]);
    expect(person.trouble).toEqual([]);
    await person.close();
  });
});

import type { Browser, Page } from "playwright-core";
import { describeWith } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { findBrowser } from "./browser_fixture.js";
import { type Dashboard, hostileAgent, run, startDashboard } from "./dashboard_fixture.js";

const browser = await findBrowser();
const patience = { timeoutMs: 60_000 };

describeWith(browser, "the dashboard in Chromium", (use) => {
  let site: Dashboard;
  beforeEach(async () => {
    site = await startDashboard(use() as Browser);
  });
  afterEach(async () => {
    const trouble = site.trouble();
    await site.close();
    expect(trouble).toEqual([]);
  });
  afterAll(() => use().close());

  const tile = (page: Page, name: string) =>
    page.locator(".tile").filter({ has: page.locator("dt", { hasText: name }) });
  const says = (page: Page, name: string, text: RegExp) => tile(page, name).filter({ hasText: text }).waitFor();

  const value = (page: Page, name: string, text: string) =>
    tile(page, name).locator(".value").getByText(text, { exact: true }).waitFor();

  /** Calls that end in each verdict: of 7, one each is denied, held for approval, sanitized, and let through in shadow. */
  async function calls(): Promise<string> {
    const statuses = [];
    for (const [agent, call] of [
      ["deploy-manager", run(1, { params: { jobs: 1, deployment_id: "dep-42" } })],
      ["deploy-manager", run(2)],
      ["deploy-manager", { tool: "shell", action: "fetch" }],
      ["deploy-manager", run(50)],
      ["deploy-manager", run(1, { environment: "production" })],
      ["tried-out", run(50)],
      [null, run(1)],
    ] as const) {
      statuses.push((await site.call(agent, call)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 403, 403, 200, 401]);
    return JSON.parse((await site.call("deploy-manager", run(60))).body).decision_id;
  }

  test("shows what was decided, in numbers that are right, and goes on by itself", async () => {
    await calls();
    const page = await site.signedIn();
    await value(page, "Decisions", "8");
    await says(page, "Blocked", /50 %4 of 8 calls/);
    await value(page, "Would block", "1");
    await says(page, "Approvals waiting", /^Approvals waiting1the oldest for/);
    await says(page, "Typical decision", /\d (µs|ms)p90 .*p99 /);
    await says(page, "Server", /Well/);
    const listed = (title: string) => page.locator("section.card", { has: page.getByRole("heading", { name: title }) });
    expect(await listed("Agents with most refusals").locator("li").allInnerTexts()).toEqual([
      expect.stringMatching(/deploy-manager\s+3 blocked of 6 calls/),
      expect.stringMatching(/(callers whom nobody knows\s+1 blocked|tried-out\s+1 would be) of 1 call/),
      expect.stringMatching(/(callers whom nobody knows\s+1 blocked|tried-out\s+1 would be) of 1 call/),
    ]);
    const rules = await listed("Rules and reasons").locator("li").allInnerTexts();
    expect(rules[0]).toMatch(/max_jobs\s+2 blocked, 1 would be/);
    expect(rules.join()).toMatch(/credential_missing\s+1 blocked/);
    expect(await listed("Budgets of the day").locator("li").first().innerText()).toMatch(
      /20 of 100 used \(20 %\); .* by the end of the day/,
    );
    const chart = listed("Decisions").first();
    await chart.locator("summary").click();
    await chart.locator("tbody tr").nth(59).waitFor();
    const cells = await Promise.all(
      (await chart.locator("tbody tr").all()).map((row) => row.locator("td").allInnerTexts()),
    );
    const sums = [0, 1, 2, 3].map((i) => cells.reduce((sum, row) => sum + (Number(row[i]) || 0), 0));
    expect(sums).toEqual([3, 1, 1, 3]);
    expect(await page.locator(".u-wrap canvas").count()).toBe(3);

    expect((await site.call("deploy-manager", run(70))).status).toBe(403);
    await value(page, "Decisions", "9");
    await says(page, "Blocked", /55.6 %5 of 9 calls/);
    await page.getByRole("button", { name: "The last 24h" }).click();
    await page.getByRole("button", { name: "The last 24h", pressed: true }).waitFor();
    await value(page, "Decisions", "9");
  });

  test("leads from a list of decisions to the whole record", async () => {
    const id = await calls();
    const page = await site.signedIn("/dashboard#decisions");
    await page.locator(`a[data-id="${id}"]`).waitFor();
    expect(await page.locator(".rows li").count()).toBe(8);
    await page.getByLabel("Agent").fill("tried-out");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByText("Would be denied").waitFor();
    await until(async () => (await page.locator(".rows li").count()) === 1, { what: "one decision", ...patience });
    expect(new URL(page.url()).search).toBe("?agent_id=tried-out");
    await page.goBack();
    await page.locator(`a[data-id="${id}"]`).click();
    await page.getByRole("heading", { name: "The whole record" }).waitFor();
    const { records } = await record(id);
    const whole = (await page.locator(".whole").first().innerText()).replace(/\s/g, "");
    expect(whole).toBe(JSON.stringify(records).replace(/\s/g, ""));
    const why = page.locator("section.card", { has: page.getByRole("heading", { name: "Why" }) });
    expect(await why.innerText()).toMatch(/max_jobs[\s\S]*5[\s\S]*60/);
    await page.goto("/dashboard/decisions/01KJMK0000000000000000NONE");
    await page.getByText("There is no record of such a decision here.").waitFor();
  });

  /** The record, from the disk. */
  async function record(id: string) {
    const { auditRecords } = await import("../harness/records.js");
    return { records: (await auditRecords(site.audit)).find(({ decision_id }) => decision_id === id) };
  }

  test("pages through many", async () => {
    for (let i = 0; i < 53; i++) await site.call("deploy-manager", { tool: "shell", action: `none-${i}` });
    const page = await site.signedIn("/dashboard#decisions");
    await page.locator(".rows li").nth(49).waitFor();
    await page.getByRole("link", { name: "Older" }).click();
    await page.getByText("none-0").waitFor();
    expect(await page.locator(".rows li").count()).toBe(3);
    await page.getByRole("link", { name: "Newest" }).click();
    await page.getByText("none-52").waitFor();
  });

  test("answers the five questions about a deployment, and compares scopes", async () => {
    const id = await calls();
    const page = await site.signedIn(`/dashboard/decisions/${id}`);
    await page.locator("dl a[href^='/dashboard/deployments/']").click();
    for (const question of [
      "What was deployed?",
      "Who authorised it?",
      "Was it within policy?",
      "Did the agent behave normally?",
      "Did it touch sensitive data?",
    ]) {
      await page.getByRole("heading", { name: question }).waitFor();
    }
    await page.getByRole("link", { name: "Scopes" }).click();
    await page.getByRole("link", { name: "deploy-manager" }).waitFor();
    await page.goto("/dashboard/deployments/none");
    await page.getByText("No record tells of such a deployment.").waitFor();
  });

  test("takes a sign-in, and shows each what they may see", async () => {
    await calls();
    const page = await site.arrive();
    await page.goto("/dashboard/decisions/x");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await page.locator("#views a").count()).toBe(0);
    for (const access of ["viewer", "approver"] as const) {
      const other = await site.signedIn("/dashboard", access);
      await value(other, "Decisions", "8");
      await other.getByText("Records take the access auditor or admin.").waitFor();
      expect(await other.locator(".rows li").count()).toBe(0);
      await other.getByRole("link", { name: "Decisions" }).click();
      await other.getByRole("heading", { name: "No access to records" }).waitFor();
    }
    const auditor = await site.signedIn("/dashboard", "auditor");
    await auditor.locator(".rows li").nth(7).waitFor();
  });

  test("what agents write stays text, and nothing in it hides", async () => {
    const params = { jobs: 50, note: "to\u202eydobon<img src=x onerror=alert(1)>\u200b" };
    expect((await site.call(hostileAgent, run(50, { params }))).status).toBe(403);
    const page = await site.signedIn();
    await page.locator(".rows li", { hasText: hostileAgent }).waitFor();
    await page.locator(".rows a").first().click();
    await page.getByRole("heading", { name: "The whole record" }).waitFor();
    const text = await page.locator("main").innerText();
    expect(text).toContain('"to\\u202eydobon<img src=x onerror=alert(1)>\\u200b"');
    expect(text).not.toMatch(/[\u202e\u200b]/);
    expect(await page.locator("main img, main b:not(.what b)").count()).toBe(0);
  });

  test("says when the server is away, keeps what it knows, and goes on when it is back", async () => {
    await calls();
    const page = await site.signedIn();
    await value(page, "Decisions", "8");
    await site.stopServer();
    await page.getByText("The server cannot be reached. What you see is as of").waitFor();
    await value(page, "Decisions", "8");
    await site.startServer();
    await page.getByText("The server cannot be reached.").waitFor({ state: "detached" });
    // What was decided before the restart is read from the records.
    await value(page, "Decisions", "8");
  });

  test("with nothing decided yet it says so", async () => {
    const page = await site.signedIn();
    await value(page, "Decisions", "0");
    await says(page, "Blocked", /–/);
    for (const text of [
      "No agent was refused anything",
      "No rule spoke against a call",
      "No agent that called",
      "Nothing was decided yet.",
    ]) {
      await page.getByText(text).waitFor();
    }
  });
});

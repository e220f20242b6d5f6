import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { openWriter } from "../../src/audit/writer.js";
import { readKeyFile } from "../../src/keys/keys.js";
import { verdicts } from "../../src/verdict.js";
import { describeWith } from "../harness/parts.js";
import { decisionRecord, judged } from "../stats/records.js";
import { findBrowser } from "./browser_fixture.js";
import { type Dashboard, hostileAgent, run, startDashboard } from "./dashboard_fixture.js";
import type { InBrowser } from "./in_browser.js";
import { checkLook, lookOf, looks } from "./looks.js";

const browser = await findBrowser();
/** One decision every 118 seconds, some of each verdict: the oldest step of a day may begin a quarter of an hour late. */
const written = 719;

describeWith(browser, "how the dashboard looks in Chromium, after a day", (use) => {
  let site: Dashboard;
  beforeAll(async () => {
    site = await startDashboard(use() as Browser, writeDay);
    for (const jobs of [1, 2, 3]) await site.call("deploy-manager", run(jobs));
    await site.call("deploy-manager", run(1, { environment: "production" }));
    await site.call(hostileAgent, run(50, { params: { jobs: 50, note: "to\u202e<img>" } }));
    await site.call("tried-out", run(50));
  });
  afterAll(async () => {
    const trouble = site?.trouble();
    await site?.close();
    await use().close();
    expect(trouble).toEqual([]);
  });

  test("counts the whole day, and says since when", async () => {
    const day = JSON.parse((await site.ask("viewer", "/v1/dashboard?window=24h")).body);
    expect(day.totals.decisions).toBe(written + 6);
    expect(Date.parse(day.started_at) - Date.parse(day.since)).toBeGreaterThan(23.5 * 3_600_000);
    const hour = JSON.parse((await site.ask("viewer", "/v1/dashboard")).body);
    expect(hour.totals.decisions).toBeGreaterThanOrEqual(6 + 28);
    expect(hour.totals.decisions).toBeLessThanOrEqual(6 + 32);
  });

  test.each(looks)("on a %s, %s: each view is usable by everybody", async (size, colorScheme) => {
    const options = lookOf([size, colorScheme]);
    const named = (view: string) => `${view}-${size}-${colorScheme}`;
    const arrived = await site.arrive(options);
    await arrived.goto("/dashboard");
    await arrived.getByRole("heading", { name: "Sign in" }).waitFor();
    await checkLook(arrived, named("sign-in"));
    const page = await site.signedIn("/dashboard", "admin", options);
    await page.getByRole("button", { name: "The last 24h" }).click();
    await page
      .locator(".tile .value")
      .getByText(String(written + 6), { exact: true })
      .waitFor();
    await page.locator(".rows li").nth(7).waitFor();
    await checkLook(page, named("overview"));
    await page.locator("summary").first().click();
    await page.locator("tbody tr").nth(95).waitFor();
    await page.keyboard.press("Escape");
    await checkLook(page, named("table"));

    await page.getByRole("link", { name: "Decisions", exact: true }).click();
    await page.locator(".rows li").nth(49).waitFor();
    await checkLook(page, named("decisions"));
    await page.locator(".rows li", { hasText: "max_jobs" }).locator("a").first().click();
    await page.getByRole("heading", { name: "The whole record" }).waitFor();
    await checkLook(page, named("decision"));
    await page.locator("dl a[href^='/dashboard/deployments/']").click();
    await page.getByText("Who authorised it?").waitFor();
    await checkLook(page, named("deployment"));
    await page.getByRole("link", { name: "Scopes" }).click();
    await page.getByRole("link", { name: "deploy-manager" }).waitFor();
    await checkLook(page, named("scopes"));
  });

  test("with the keyboard alone one gets to everything, and sees where one is", async () => {
    const page = await site.signedIn();
    await page.goto("/dashboard");
    await page.locator(".rows li").nth(7).waitFor();
    const seen: string[] = [];
    for (let presses = 0; presses < 16; presses += 1) {
      await page.keyboard.press("Tab");
      const { name, width } = await page.locator(":focus").evaluate(outlineOf);
      expect([name, width]).toEqual([name, 3]);
      seen.push(name);
    }
    const wanted = [
      "Skip to the content",
      "Countersign",
      "Overview",
      "Decisions",
      "Scopes",
      "Approvals",
      "Sign out",
      "The last 1h",
      "The last 6h",
      "The last 24h",
    ];
    expect(seen.slice(0, wanted.length)).toEqual(wanted.map((start) => expect.stringMatching(new RegExp(`^${start}`))));
    expect(seen.filter((name) => name === "As a table")).toHaveLength(3);
  });
});

/** A day of decisions, written as a server writes them. */
async function writeDay(audit: string): Promise<void> {
  await mkdir(audit, { recursive: true });
  const key = await readKeyFile(join(audit, "..", "audit.jwk"), "audit");
  const writer = await openWriter({ dir: audit, worker: 1, key, durability: "write" });
  const end = Date.now();
  await Promise.all(
    Array.from({ length: written }, (_, i) => {
      const decision = verdicts[[0, 0, 0, 1, 0, 3, 0, 2][i % 8] ?? 0] ?? "allow";
      const shadow = i % 7 === 0;
      const stops = decision === "deny" || decision === "approval_needed";
      const enforced = stops && shadow ? "allow" : decision;
      const rules = stops ? [["max_jobs", "windows", "allowed_environments"][i % 3] ?? ""] : [];
      return writer.append(
        decisionRecord({
          decision_id: `01KJMK0000000000000000${String(i).padStart(4, "0")}`,
          timestamp: new Date(end - (written - i) * 118_000).toISOString(),
          agent_id: ["deploy-manager", "tried-out", "reporter", null][i % 4] ?? null,
          decision,
          enforced,
          mode: shadow ? "shadow" : "enforce",
          reason: rules[0] ?? "allowed",
          opa_decision: judged(
            { verdict: decision, rules },
            { verdict: enforced, rules: enforced === decision ? rules : [] },
          ),
          latency_us: Math.round(300 + 250 * Math.sin(i / 60) + (i % 50 === 0 ? 30_000 : 0)),
        }),
      );
    }),
  );
  await writer.close();
  expect((await readdir(audit)).length).toBeGreaterThan(0);
}

/** Runs in the browser. */
function outlineOf(one: { textContent: string | null }): { name: string; width: number } {
  const { outlineWidth, outlineStyle } = (globalThis as unknown as InBrowser).getComputedStyle(one);
  return { name: one.textContent ?? "", width: outlineStyle === "none" ? 0 : Number.parseFloat(outlineWidth) };
}

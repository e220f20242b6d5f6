import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { Busy } from "../../src/audit_query/turns.js";
import { evidenceService } from "../../src/evidence/service.js";
import { type Visit, visit } from "../harness/browser.js";
import { describeWith } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { type Api, api } from "../http/fixture.js";
import { findBrowser, signIn } from "./browser_fixture.js";
import type { InBrowser } from "./in_browser.js";

const browser = await findBrowser();
/** Milliseconds between two looks of the page. */
const pace = 3_000;

describeWith(browser, "the dashboard that waits its turn, in Chromium", (use) => {
  let made: Api;
  let person: Visit;
  let records: string;
  /** Whether all turns of searching are taken. */
  let busy = false;
  const asked: { path: string; at: number }[] = [];

  beforeAll(async () => {
    records = await mkdtemp(join(tmpdir(), "countersign-records-"));
    const real = evidenceService({ dir: records, keys: [], agents: async () => [] });
    const turn = <T>(search: () => Promise<T>): Promise<T> =>
      busy ? Promise.reject(new Busy("other searches take too long")) : search();
    made = await api({
      evidence: {
        page: (...given) => turn(() => real.page(...given)),
        scopes: (...given) => turn(() => real.scopes(...given)),
        deployment: (...given) => turn(() => real.deployment(...given)),
      },
    });
    made.here.nowMs = Date.now();
    person = await visit(use() as Browser, `http://${made.host}:${made.port}`);
    person.page.on("request", (request) => asked.push({ path: new URL(request.url()).pathname, at: Date.now() }));
    await person.page.goto("/dashboard");
    await signIn(person.page, "token-admin", "Your token");
  });
  afterAll(async () => {
    const { trouble } = person;
    await person.close();
    await made.app.close();
    await use().close();
    await rm(records, { recursive: true, force: true });
    expect(trouble).toEqual([]);
  });
  beforeEach(() => {
    busy = false;
    asked.length = 0;
  });

  const times = (path: string) => asked.filter((one) => one.path === path).length;

  test.each([
    ["/dashboard", "/v1/audit", "Nothing was decided yet."],
    ["/dashboard#decisions", "/v1/audit", "No decision fits."],
    ["/dashboard#scopes", "/v1/audit/scopes", "No agent has records or scopes."],
    ["/dashboard/deployments/none", "/v1/audit/deployments/none", "No record tells of such a deployment."],
  ])("while others search, %s says so, asks no sooner than it was told, and goes on", async (at, path, text) => {
    const { page } = person;
    busy = true;
    await page.goto("about:blank");
    await page.goto(at);
    await page.getByText("Others are searching the records.").waitFor();
    await until(() => times(path) >= 2, { what: "the next try", timeoutMs: 60_000 });
    const [first, second] = asked.filter((one) => one.path === path);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(5_000);
    expect(await page.getByText("The server cannot").count()).toBe(0);
    busy = false;
    await page.getByText(text).waitFor();
    await page.getByText("Others are searching the records.").waitFor({ state: "detached" });
  });

  test("asks nothing while its tab is hidden, and at once when it is seen again", async () => {
    const { page } = person;
    await page.goto("/dashboard");
    await until(() => times("/v1/dashboard") >= 2, { what: "two looks", timeoutMs: 60_000 });
    await hide(page, true);
    const before = times("/v1/dashboard");
    await new Promise((resolve) => setTimeout(resolve, 2.5 * pace));
    // One was under way.
    expect(times("/v1/dashboard") - before).toBeLessThanOrEqual(1);
    const hidden = times("/v1/dashboard");
    await hide(page, false);
    await until(() => times("/v1/dashboard") > hidden, { what: "a look", timeoutMs: 60_000 });
  });
});

/** As if the tab went behind another one, which a browser without a window has none of. */
function hide(page: Page, hidden: boolean): Promise<void> {
  return page.evaluate((now) => {
    const { document, Event } = globalThis as unknown as InBrowser;
    Object.defineProperty(document, "hidden", { configurable: true, get: () => now });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

import type { Page } from "playwright-core";
import { describeWith } from "../harness/parts.js";
import { findBrowser } from "./browser_fixture.js";
import { type Place, place } from "./oidc_fixture.js";

const browser = await findBrowser();

describeWith(browser, "signing in by OpenID Connect in Chromium", (use) => {
  let here: Place;
  beforeAll(async () => {
    here = await place();
  });
  afterAll(async () => {
    await use().close();
    await here.stop();
  });

  async function arrive(): Promise<Page> {
    const context = await use().newContext({ baseURL: here.base });
    context.setDefaultTimeout(30_000);
    // The provider sends people back to the public address, which a proxy would pass on to the server.
    await context.route("http://127.0.0.1:9192/**", (route) => {
      const { pathname, search } = new URL(route.request().url());
      return route.fulfill({ status: 302, headers: { location: `${here.base}${pathname}${search}` } });
    });
    return context.newPage();
  }

  async function signInAsBob(page: Page): Promise<void> {
    await page.getByRole("link", { name: "Sign in with OpenID Connect" }).click();
    await page.waitForURL(`${here.openId.issuer}/**`);
    await page.locator("input[name=login]").fill("bob@example.com");
    await page.locator("input[name=password]").fill("x");
    await page.locator("button[type=submit]").click();
    await page.locator("button[type=submit]").filter({ hasText: "Continue" }).click();
  }

  test("leads to the provider and back to the same approval, and then one can answer and leave", async () => {
    const id = await here.made.here.open();
    const page = await arrive();
    await page.goto(`/approvals/${id}`);
    await signInAsBob(page);

    await page.waitForURL(`${here.base}/approvals/${id}`);
    await page.getByText("bob@example.com").first().waitFor();
    await page.getByRole("button", { name: /^Approve / }).click();
    await page.getByText("You have approved this call.").waitFor();
    expect((await here.made.here.stored(id)).answers).toMatchObject([{ approver: "bob@example.com" }]);

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.context().close();
  });

  test.each([
    ["/dashboard", "Dashboard"],
    ["/dashboard/deployments/release-42", "No access to records"],
  ])("leads back to %s, which is shown to who may see it", async (at, heading) => {
    const page = await arrive();
    await page.goto(at);
    await signInAsBob(page);
    await page.waitForURL(`${here.base}${at}`);
    await page.getByRole("heading", { name: heading, exact: true }).waitFor();
    await page.getByText("bob@example.com").first().waitFor();
    await page.context().close();
  });
});

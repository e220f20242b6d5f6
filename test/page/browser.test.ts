import type { Page } from "playwright-core";
import { describeWith } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { person } from "../http/fixture.js";
import { bob, findBrowser, freshSite, type Site, signIn } from "./browser_fixture.js";

const browser = await findBrowser();

describeWith(browser, "the page in Chromium", (use) => {
  let site: Site;
  freshSite(use, (fresh) => {
    site = fresh;
  });

  const approve = (page: Page) => page.getByRole("button", { name: /^Approve / });
  const deny = (page: Page) => page.getByRole("button", { name: /^Deny / });
  const result = (page: Page, text: string | RegExp) => page.getByRole("status").filter({ hasText: text }).waitFor();
  const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();
  const stored = (id: string) => site.made.here.stored(id);

  test("lets in whom a token names, and out again", async () => {
    const page = await site.arrive();
    await page.goto("/approvals");
    await heading(page, "Sign in");
    const field = page.getByLabel("Approver token");
    expect([await field.getAttribute("type"), await field.getAttribute("autocomplete")]).toEqual([
      "password",
      "current-password",
    ]);
    expect(await page.getByRole("link", { name: "OpenID" }).count()).toBe(0);

    await field.fill("nobody's");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "This token belongs to nobody" }).waitFor();
    await signIn(page, bob.token);
    await heading(page, "Pending approvals");
    expect(await page.locator("#person").textContent()).toBe(`Signed in as ${bob.id}Sign out`);
    await page.getByText("Nothing waits for an answer").waitFor();

    await page.reload();
    await heading(page, "Pending approvals");
    await page.getByRole("button", { name: "Sign out" }).click();
    await heading(page, "Sign in");
    await page.reload();
    await heading(page, "Sign in");
  });

  test("shows as many as one reads, of each agent those that end first, and says that there may be more", async () => {
    const { here } = site.made;
    const ids: string[] = [];
    for (let n = 0; n < 99; n++) {
      here.nowMs += 1;
      ids.push(await here.open({ agent: `agent-${n % 33}` }));
    }
    const page = await site.signedIn();
    const entries = page.locator("ul.entries > li");
    const hint = page.getByText("Only 100 are shown, of each agent those that end first.");
    const shown = () => entries.evaluateAll((all) => all.map((one) => one.getAttribute("data-id")));
    await until(async () => (await entries.count()) === 99, { what: "all entries" });
    expect(await shown()).toEqual(ids);
    expect(await hint.isVisible()).toBe(false);
    for (const agent of ["late", "later", "later"]) {
      here.nowMs += 1;
      ids.push(await here.open({ agent }));
    }
    await hint.waitFor();
    expect(await entries.count()).toBe(100);
    // Both agents that came last have a turn; the last turns go to the soonest.
    expect(await shown()).toEqual(expect.arrayContaining([ids[99], ids[100]]));
    expect(await shown()).not.toContain(ids[98]);
  });

  test("shows a new approval without being loaded again, and says so", async () => {
    const first = await site.ask();
    const page = await site.signedIn();
    await page.getByRole("link", { name: "shell run in production" }).waitFor();
    const loads = await page.evaluate(() => performance.timeOrigin);
    const link = page.locator(`a[data-id="${first}"]`);
    await link.focus();

    const second = await site.ask({ jobs: 2 });
    await page.locator(`a[data-id="${second}"]`).waitFor();
    await page
      .locator("#announcer")
      .filter({ hasText: "New approval: shell run in production" })
      .waitFor({ state: "attached" });
    expect(await page.evaluate(() => performance.timeOrigin)).toBe(loads);
    expect(await link.evaluate((one) => one.matches(":focus"))).toBe(true);
    await until(async () => (await page.title()) === "(2) Pending approvals · Countersign", {
      what: "the title",
      timeoutMs: 30_000,
    });
    const item = page.getByRole("listitem").filter({ has: link });
    const text = await item.innerText();
    for (const part of ["deploy-manager", "approval_needed", "min", "0 of 1", "nothing"]) expect(text).toContain(part);

    await site.made.send({
      method: "POST",
      url: `/v1/approvals/${second}/decision`,
      headers: { authorization: "Bearer token-carol" },
      payload: { decision: "deny" },
    });
    await page.locator(`a[data-id="${second}"]`).waitFor({ state: "detached" });
  });

  test("approves with a comment, in one click, and for nobody twice", async () => {
    const id = await site.ask();
    const page = await site.signedIn();
    await page.getByRole("link", { name: "shell run in production" }).click();
    await heading(page, "shell run in production");
    expect(new URL(page.url()).pathname).toBe(`/approvals/${id}`);
    expect(await approve(page).getAttribute("aria-label")).toBe(`Approve shell run in production, ${id}`);

    await page.getByLabel("Comment (optional)").fill("looked at it");
    await page.getByText("12 of 2000 characters").waitFor();
    const sent: string[] = [];
    page.on("request", (request) => request.method() === "POST" && sent.push(new URL(request.url()).pathname));
    await approve(page).dblclick();
    await result(page, "You have approved this call.");
    await page.getByText("Approved, not used yet").waitFor();
    expect(await approve(page).count()).toBe(0);
    expect(sent).toEqual([`/v1/approvals/${id}/decision`]);
    expect(await stored(id)).toMatchObject({
      status: "approved",
      answers: [{ approver: bob.id, decision: "approve", comment: "looked at it" }],
    });
    expect(site.made.here.records.outcomes()).toContain(`${bob.id} approve approved`);

    await page.getByRole("link", { name: "Decided" }).click();
    const item = page.getByRole("listitem").filter({ has: page.locator(`a[data-id="${id}"]`) });
    await item.getByText("Approved, not used yet").waitFor();
    expect(await item.innerText()).toContain("looked at it");
  });

  test("denies", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}`);
    await deny(page).click();
    await result(page, "You have denied this call.");
    expect(await stored(id)).toMatchObject({ status: "denied", answers: [{ approver: bob.id, decision: "deny" }] });
    await page.getByRole("link", { name: "All approvals" }).click();
    await page.getByText("Nothing waits for an answer").waitFor();
  });

  test("revokes what was approved and not used", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}`);
    await approve(page).click();
    await result(page, "You have approved this call.");
    await page.getByLabel("Comment (optional)").fill("wrong cluster");
    await page.getByRole("button", { name: `Revoke shell run in production, ${id}` }).click();
    await result(page, "You have revoked this approval.");
    expect(await stored(id)).toMatchObject({
      status: "denied",
      answers: [{}, { decision: "revoke", comment: "wrong cluster" }],
    });
    await page.getByRole("link", { name: "Decided" }).click();
    await page
      .getByRole("listitem")
      .filter({ hasText: "wrong cluster" })
      .getByText("Revoked", { exact: true })
      .waitFor();
  });

  test("counts answers up to the quorum", async () => {
    const id = await site.made.here.open({ quorum: 2 });
    const page = await site.signedIn(`/approvals/${id}`);
    await page.getByText("0 of 2 people").waitFor();
    await approve(page).click();
    await result(page, "Your approval counts. One more person has to approve.");
    await page.getByText("1 of 2 people").waitFor();
    expect(await approve(page).count()).toBe(0);
    await page.getByRole("button", { name: /^Revoke / }).waitFor();
    const other = await site.signedIn(`/approvals/${id}`, "token-carol");
    await approve(other).click();
    await result(other, "You have approved this call.");
    await page.getByText("Approved, not used yet").waitFor();
  });

  test("is answered with the keyboard alone", async () => {
    const id = await site.ask();
    const page = await site.arrive();
    await page.goto("/approvals");
    await heading(page, "Sign in");
    const tabTo = async (what: string) => {
      for (let presses = 0; presses < 40; presses += 1) {
        await page.keyboard.press("Tab");
        if (await page.locator(":focus").evaluate((one, wanted) => one.matches(wanted), what)) return;
      }
      throw new Error(`Tab never leads to ${what}`);
    };
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await tabTo("#token");
    await page.keyboard.type(bob.token);
    await page.keyboard.press("Enter");
    await page.locator(`a[data-id="${id}"]`).waitFor();
    expect(await page.locator("h1:focus").count()).toBe(1);
    await tabTo(`a[data-id="${id}"]`);
    await page.keyboard.press("Enter");
    await approve(page).waitFor();
    expect(await page.locator("h1:focus").count()).toBe(1);
    await tabTo("#comment");
    await page.keyboard.type("by hand");
    // Enter in the comment decides nothing.
    await page.keyboard.press("Enter");
    expect((await stored(id)).status).toBe("pending");
    await tabTo("button.approve");
    await page.keyboard.press("Space");
    await result(page, "You have approved this call.");
    expect(await stored(id)).toMatchObject({ status: "approved", answers: [{ comment: "by hand" }] });
    expect(await page.locator(":focus").textContent()).not.toBe("");
  });

  test("keeps a comment that was begun while it looks again, and while one looks elsewhere", async () => {
    const id = await site.made.here.open({ quorum: 3 });
    const page = await site.signedIn(`/approvals/${id}`);
    const comment = page.getByLabel("Comment (optional)");
    await comment.fill("not yet fin");
    await site.made.here.service.answer(id, person("dan@example.com"), { decision: "approve" });
    await page.getByText("1 of 3 people").waitFor();
    expect([await comment.inputValue(), await comment.evaluate((one) => one.matches(":focus"))]).toEqual([
      "not yet fin",
      true,
    ]);
    await page.keyboard.type("ished");
    await page.getByRole("link", { name: "All approvals" }).click();
    await page.locator(`a[data-id="${id}"]`).click();
    expect(await comment.inputValue()).toBe("not yet finished");
  });

  test("says that the server cannot be reached, since when, and goes on by itself", async () => {
    const id = await site.ask();
    const page = await site.signedIn();
    await page.locator(`a[data-id="${id}"]`).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/The server cannot be reached\. What you see is as of \d\d:\d\d:\d\d/).waitFor();
    expect(await page.locator(`a[data-id="${id}"]`).count()).toBe(1);
    await page.context().setOffline(false);
    await page.getByText("The server cannot be reached").waitFor({ state: "detached" });
  });
});

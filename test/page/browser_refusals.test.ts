import type { Page } from "playwright-core";
import { StoreUnavailable } from "../../src/store/store.js";
import { describeWith } from "../harness/parts.js";
import { person } from "../http/fixture.js";
import { findBrowser, freshSite, type Site } from "./browser_fixture.js";

const browser = await findBrowser();

describeWith(browser, "what the page says in Chromium when an answer is not taken", (use) => {
  let site: Site;
  freshSite(use, (fresh) => {
    site = fresh;
  });

  const refused = async (page: Page, decision: RegExp, text: string) => {
    await page.getByRole("button", { name: decision }).click();
    await page
      .getByRole("status")
      .filter({ hasText: `Your answer was not taken: ${text}` })
      .waitFor();
  };
  /** Lets the page see nothing any more but what it gets for its own answer, and what it looks up after that. */
  const blindfold = async (page: Page) => {
    await page.getByRole("button", { name: /^Approve / }).waitFor();
    let answered = false;
    const blind = page.waitForEvent("requestfailed");
    await page.route("**/v1/approvals**", (route) => {
      answered ||= route.request().method() !== "GET";
      return answered ? route.continue() : route.abort();
    });
    // It never looks twice at a time: with this look, those before it are over.
    await blind;
  };

  test("for a call of one's own", async () => {
    const page = await site.signedIn(`/approvals/${await site.made.here.open({})}`, "token-alice");
    await refused(page, /^Approve /, "nobody answers for a call of their own");
  });

  test("for want of a group, named beforehand and in the refusal", async () => {
    const page = await site.signedIn(`/approvals/${await site.made.here.open({ approvers: [["leads", "security"]] })}`);
    await page.getByText("members of leads or security").waitFor();
    await refused(page, /^Deny /, "only members of leads or security answer this approval.");
  });

  test("when somebody else was faster", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}`);
    await blindfold(page);
    await site.made.here.service.answer(id, person("carol@example.com"), { decision: "deny" });
    await page.getByRole("button", { name: /^Approve / }).click();
    await page.getByRole("status").filter({ hasText: "carol@example.com has denied it already" }).waitFor();
    await page.getByText("Denied", { exact: true }).waitFor();
    expect(await page.getByRole("button", { name: /^Approve / }).count()).toBe(0);
  });

  test("when the time is over", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}`);
    await blindfold(page);
    site.made.here.nowMs += 900_000;
    await page.getByRole("button", { name: /^Approve / }).click();
    await page.getByRole("status").filter({ hasText: "the time for this approval is over" }).waitFor();
  });

  test("when it cannot be recorded, or the store is away", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}`);
    site.made.here.records.broken = true;
    await refused(page, /^Approve /, "the server cannot write its audit log at the moment. Nothing was decided");
    site.made.here.records.broken = false;
    const { approval } = site.made.here.store;
    site.made.here.store.approval = async () => {
      throw new StoreUnavailable("no answer from 10.0.0.7");
    };
    await refused(page, /^Approve /, "the server cannot reach its store at the moment.");
    site.made.here.store.approval = approval;
    expect((await site.made.here.stored(id)).status).toBe("pending");
    await page.getByRole("button", { name: /^Approve / }).click();
    await page.getByText("You have approved this call.").waitFor();
  });

  test("which is not said of one that may count, after all", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}`);
    const { answer } = site.made.here.store;
    site.made.here.store.answer = async () => {
      throw new StoreUnavailable("no answer from 10.0.0.7");
    };
    await page.getByRole("button", { name: /^Approve / }).click();
    const result = page.getByRole("status").filter({ hasText: "It is not known whether your answer counts" });
    await result.waitFor();
    expect(await result.textContent()).not.toMatch(/not taken|[Nn]othing was decided/);
    site.made.here.store.answer = answer;
    await page.getByRole("button", { name: /^Approve / }).click();
    await page.getByText("You have approved this call.").waitFor();
  });

  test("with a comment that is too long, or holds what cannot be seen", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}`);
    const comment = page.getByLabel("Comment (optional)");
    await comment.fill("x".repeat(2001));
    await page.getByRole("button", { name: /^Approve / }).click();
    await page.getByText("Your comment is too long. Nothing was sent.").waitFor();
    await comment.fill("fine\u202e");
    await refused(page, /^Approve /, "a comment is at most 2000 characters without control or invisible characters");
    expect((await site.made.here.stored(id)).answers).toEqual([]);
  });

  test("when the session has ended; the comment is there again after a new sign-in", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}`);
    await page.getByLabel("Comment (optional)").fill("still here");
    await page.context().clearCookies();
    await page.getByText("Your session has ended. Sign in again to go on.").waitFor();
    await page.getByLabel("Approver token").fill("token-bob");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /^Approve / }).waitFor();
    expect(await page.getByLabel("Comment (optional)").inputValue()).toBe("still here");
  });
});

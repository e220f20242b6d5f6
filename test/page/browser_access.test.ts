import type { Page } from "playwright-core";
import { issueLink } from "../../src/approvals/link.js";
import { axeViolations, keepScreenshot } from "../harness/browser.js";
import { describeWith } from "../harness/parts.js";
import { findBrowser, freshSite, type Site } from "./browser_fixture.js";

const browser = await findBrowser();

describeWith(browser, "who sees and does what on the page in Chromium", (use) => {
  let site: Site;
  freshSite(use, (fresh) => {
    site = fresh;
  });

  const seesTheCall = (page: Page) => page.getByRole("heading", { name: "Exactly this call" }).waitFor();
  const buttons = (page: Page) => page.getByRole("button", { name: /Approve|Deny|Revoke/ }).count();

  test.each(["token-auditor", "token-admin"])("%s sees, and is told why there is no answering", async (token) => {
    const id = await site.ask();
    const page = await site.signedIn("/approvals", token);
    await page.locator(`a[data-id="${id}"]`).click();
    await seesTheCall(page);
    await page.getByText("You may look at approvals and not answer them").waitFor();
    expect(await buttons(page)).toBe(0);
  });

  test("a viewer is told that approvals are not theirs to see", async () => {
    await site.ask();
    const page = await site.signedIn("/approvals", "token-viewer");
    await page.getByText("Your access does not cover approvals.").waitFor();
    expect(await page.getByRole("link", { name: "shell" }).count()).toBe(0);
  });

  test("a link shows one call and no other, and answering takes a sign-in", async () => {
    const [id, other] = [await site.ask(), await site.ask({ jobs: 2 })];
    const link = await linkTo(id);
    const page = await site.arrive();
    await page.goto(`/approvals/open?link=${link}`);
    await seesTheCall(page);
    await page.getByText("A link shows and does not answer: sign in to answer.").waitFor();
    expect([await buttons(page), await page.getByRole("link", { name: "Decided" }).count()]).toEqual([0, 0]);
    await page.goto(`/approvals/${other}`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();

    await page.goto(`/approvals/${id}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Approver token").fill("token-bob");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /^Approve / }).click();
    await page.getByText("You have approved this call.").waitFor();
    expect((await site.made.here.stored(id)).status).toBe("approved");
  });

  test("a link that does not hold opens nothing, and says so", async () => {
    const page = await site.arrive();
    await page.goto("/approvals/open?link=x.y.z");
    await page.getByRole("alert").filter({ hasText: "the link has expired or is not one of ours" }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await keepScreenshot(page, "approvals-message");
    await page.getByRole("link", { name: "Back to the approvals" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });

  test("an approval that is not there", async () => {
    const page = await site.signedIn("/approvals/apr_unknown");
    await page.getByText("There is no such approval.").waitFor();
  });

  test("nothing that is only looked at decides", async () => {
    const id = await site.ask();
    const page = await site.signedIn(`/approvals/${id}?decision=approve`);
    await seesTheCall(page);
    for (const address of [`/approvals/${id}#approve`, `/v1/approvals/${id}/decision`, `/v1/approvals/${id}`]) {
      await page.goto(address);
    }
    expect(await site.made.here.stored(id)).toMatchObject({ status: "pending", answers: [] });
  });

  test("another site cannot have a signed-in browser decide", async () => {
    const id = await site.ask();
    const page = await site.signedIn();
    const answer = await page.context().request.post(`/v1/approvals/${id}/decision`, {
      headers: { "content-type": "application/json", origin: "https://evil.example" },
      data: { decision: "approve" },
    });
    expect(answer.status()).toBe(403);
    expect((await site.made.here.stored(id)).status).toBe("pending");
  });

  test("no script runs and nothing loads that is not ours", async () => {
    const page = await site.signedIn();
    const tried = await page.evaluate(tryToGetIn);
    expect(tried.ran).toBe(false);
    expect(tried.thrown).toMatch(/TrustedHTML/);
    expect(tried.forged).toMatch(/disallowed|violates|policy/i);
    expect([...new Set(tried.violations)].sort()).toEqual([
      "connect-src",
      "img-src",
      "require-trusted-types-for",
      "style-src-elem",
      "trusted-types",
    ]);
    site.forgive();
  });

  async function linkTo(id: string): Promise<string> {
    const { here } = site.made;
    return issueLink(here.key, { id }, 60_000, here.nowMs);
  }
});

/** What the function below uses of the browser that it runs in. */
interface Chromium {
  document: {
    body: { appendChild(child: Box): Box };
    createElement(name: string): Box;
    createTextNode(text: string): object;
    addEventListener(type: "securitypolicyviolation", listener: (event: { effectiveDirective: string }) => void): void;
  };
  window: { ran?: boolean };
  Image: new () => { src: string };
  trustedTypes: { createPolicy(name: string, rules: Record<string, (text: string) => string>): void };
}

interface Box {
  innerHTML: string;
  append(child: object): void;
}

/** What an attacker who had a foot in the page would try. */
async function tryToGetIn() {
  const { document, window, Image, trustedTypes } = globalThis as unknown as Chromium;
  const same = (text: string) => text;
  const violations: string[] = [];
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => violations.push(effectiveDirective));
  const box = document.body.appendChild(document.createElement("div"));
  let thrown = "";
  try {
    box.innerHTML = "<img src=x onerror='window.ran = true'>";
  } catch (error) {
    thrown = String(error);
  }
  let forged = "";
  try {
    trustedTypes.createPolicy("forged", { createHTML: same, createScript: same });
  } catch (error) {
    forged = String(error);
  }
  // Text nodes need no trusted type: the rest of the policy holds for them.
  const script = document.createElement("script");
  script.append(document.createTextNode("window.ran = true"));
  box.append(script);
  const style = document.createElement("style");
  style.append(document.createTextNode("body { display: none }"));
  box.append(style);
  new Image().src = "https://evil.example/x.png";
  await fetch("https://evil.example/").catch(() => {});
  // Violations are told in tasks of their own.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return { ran: window.ran === true, thrown, forged, violations };
}

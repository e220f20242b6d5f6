import type { BrowserContextOptions, Page } from "playwright-core";
import { axeViolations, keepScreenshot } from "../harness/browser.js";
import { describeWith } from "../harness/parts.js";
import { person } from "../http/fixture.js";
import { findBrowser, freshSite, type Site, signIn } from "./browser_fixture.js";

const browser = await findBrowser();

const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } } as const;
const looks = (["desktop", "phone"] as const).flatMap((size) =>
  (["light", "dark"] as const).map((colorScheme) => [size, colorScheme] as const),
);

describeWith(browser, "how the page looks in Chromium", (use) => {
  let site: Site;
  freshSite(use, (fresh) => {
    site = fresh;
  });

  /** A pending call that has something of everything; and one of each kind that was decided. */
  const fill = async (): Promise<string> => {
    const { service, open } = site.made.here;
    const bob = person("bob@example.com");
    const escalation = { afterMs: 1, to: ["leads"], approvers: [["sre", "leads"]] };
    const wanted = await site.ask({
      jobs: 4,
      note: 'roll out "checkout"\nthen report \u202eto nobody',
      spec: { strategy: "rolling", steps: [{ percent: 10 }, { percent: 100 }] },
    });
    const answered = await open({ quorum: 2, approvers: [["sre"]], escalation });
    await service.answer(answered, bob, { decision: "approve", comment: "fine by me" });
    for (const decision of ["approve", "deny"] as const) {
      await service.answer(await open({ agent: "other-agent" }), bob, {
        decision,
        comment: `${decision}: looked at it`,
      });
    }
    const revoked = await open({ agent: "other-agent" });
    await service.answer(revoked, bob, { decision: "approve" });
    await service.answer(revoked, bob, { decision: "revoke", comment: "wrong cluster" });
    return wanted;
  };

  const checked = async (page: Page, name: string) => {
    await keepScreenshot(page, `approvals-${name}`);
    expect(await axeViolations(page)).toEqual([]);
    expect(await page.evaluate(sideways)).toBeLessThanOrEqual(0);
    expect(await page.evaluate(smallTargets)).toEqual([]);
  };

  test.each(looks)("on a %s, %s: each view is usable by everybody", async (size, colorScheme) => {
    const options: BrowserContextOptions = { viewport: sizes[size], colorScheme, reducedMotion: "reduce" };
    const named = (view: string) => `${view}-${size}-${colorScheme}`;
    const id = await fill();
    const page = await site.arrive(options);
    await page.goto("/approvals");
    await page.getByLabel("Approver token").fill("nobody's");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "nobody" }).waitFor();
    await checked(page, named("sign-in"));

    await signIn(page, "token-bob");
    await page.locator(`a[data-id="${id}"]`).waitFor();
    await checked(page, named("list"));

    await page.locator(`a[data-id="${id}"]`).click();
    await page.getByRole("button", { name: /^Approve / }).waitFor();
    await checked(page, named("one"));

    await page.getByRole("button", { name: /^Approve / }).click();
    await page.getByText("You have approved this call.").waitFor();
    await checked(page, named("approved"));

    await page.getByRole("link", { name: "Decided" }).click();
    await page.getByText("wrong cluster").waitFor();
    await checked(page, named("decided"));
  });

  test("at 200 % nothing is lost", async () => {
    const id = await fill();
    // What a browser window of 1280 pixels is when everything in it is twice as large.
    const page = await site.signedIn(`/approvals/${id}`, undefined, {
      viewport: { width: 640, height: 450 },
      deviceScaleFactor: 2,
    });
    await page.getByRole("button", { name: /^Approve / }).waitFor();
    await checked(page, "one-zoomed");
  });

  test("focus can be seen wherever it is", async () => {
    const id = await fill();
    const page = await site.signedIn();
    // Loaded anew, Tab begins at the top.
    await page.goto(`/approvals/${id}`);
    await page.getByRole("button", { name: /^Approve / }).waitFor();
    const seen: string[] = [];
    for (let presses = 0; presses < 12; presses += 1) {
      await page.keyboard.press("Tab");
      const focus = page.locator(":focus");
      if ((await focus.count()) === 0) break;
      const { name, width } = await focus.evaluate(outlineOf);
      expect([name, width]).toEqual([name, 3]);
      seen.push(name);
    }
    expect(seen).toEqual(
      [
        "Skip to the content",
        "Countersign",
        "Pending",
        "Decided",
        "Dashboard",
        "Sign out",
        "All approvals",
        "comment",
        "Approve",
        "Deny",
      ].map((start) => expect.stringMatching(new RegExp(`^${start}`))),
    );
  });
});

/** What the functions below use of the browser that they run in. */
interface Chromium {
  document: {
    documentElement: { scrollWidth: number; clientWidth: number };
    querySelectorAll(selectors: string): Iterable<{
      outerHTML: string;
      getClientRects(): { length: number };
      getBoundingClientRect(): { height: number; width: number };
    }>;
  };
  getComputedStyle(one: object): { outlineWidth: string; outlineStyle: string };
}

/** Pixels that the page is wider than its window. */
function sideways(): number {
  const { documentElement } = (globalThis as unknown as Chromium).document;
  return documentElement.scrollWidth - documentElement.clientWidth;
}

/** What can be touched and is lower or narrower than 44 pixels. */
function smallTargets(): string[] {
  const { document } = globalThis as unknown as Chromium;
  return [...document.querySelectorAll("a:not(.skip), button, input")]
    .filter((one) => one.getClientRects().length > 0)
    .filter((one) => one.getBoundingClientRect().height < 44 || one.getBoundingClientRect().width < 44)
    .map((one) => one.outerHTML.slice(0, 80));
}

function outlineOf(one: { id: string; textContent: string | null }): { name: string; width: number } {
  const { outlineWidth, outlineStyle } = (globalThis as unknown as Chromium).getComputedStyle(one);
  return { name: one.textContent || one.id, width: outlineStyle === "none" ? 0 : Number.parseFloat(outlineWidth) };
}

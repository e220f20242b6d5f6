import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { startBrowser, type Visit, visit } from "../harness/browser.js";
import { type Part, requirePart } from "../harness/parts.js";
import { type Api, api } from "../http/fixture.js";

/** The approver who answers in most tests, and the id of the person. */
export const bob = { token: "token-bob", id: "bob@example.com" };

export interface Site {
  made: Api;
  browser: Browser;
  base: string;
  /** A visitor, with what went wrong checked at the end of the test. */
  arrive(options?: BrowserContextOptions): Promise<Page>;
  /** A visitor who has signed in, at an address. */
  signedIn(at?: string, token?: string, options?: BrowserContextOptions): Promise<Page>;
  /** Forgets what went wrong so far, after a test that wanted it. */
  forgive(): void;
  /** Asks for a call of the tool `shell` in production, as an agent does, and gives the id of its approval. */
  ask(params?: Record<string, unknown>, agent?: string): Promise<string>;
}

/** For the top of a test file. */
export function findBrowser(): Promise<Part<Browser>> {
  return requirePart("Chromium", startBrowser);
}

/** A fresh server before each test. Afterwards nothing may have gone wrong in any page. */
export function freshSite(use: () => Browser, made: (site: Site) => void): void {
  let site: Site;
  let visits: Visit[];
  beforeEach(async () => {
    visits = [];
    site = await newSite(use(), visits);
    made(site);
  });
  afterEach(async () => {
    const trouble = visits.flatMap((one) => one.trouble);
    await Promise.all(visits.map((one) => one.close()));
    await site.made.app.close();
    expect(trouble).toEqual([]);
  });
  afterAll(() => use().close());
}

async function newSite(browser: Browser, visits: Visit[]): Promise<Site> {
  const made = await api();
  // The page counts down by the clock that answers are dated with, and that one cannot be set.
  made.here.nowMs = Date.now();
  const base = `http://${made.host}:${made.port}`;
  const arrive: Site["arrive"] = async (options) => {
    const one = await visit(browser, base, options);
    visits.push(one);
    return one.page;
  };
  return {
    made,
    browser,
    base,
    arrive,
    async signedIn(at = "/approvals", token = bob.token, options = {}) {
      const page = await arrive(options);
      await page.goto(at);
      await signIn(page, token);
      return page;
    },
    forgive() {
      for (const { trouble } of visits) trouble.length = 0;
    },
    async ask(params = { jobs: 1 }, agent = "deploy-manager") {
      const answer = await made.send({
        method: "POST",
        url: "/v1/check",
        headers: await made.agent(agent),
        payload: { tool: "shell", action: "run", environment: "production", params },
      });
      expect(answer.json()).toMatchObject({ status: 403, error: "ApprovalNeeded" });
      return answer.json().approval.id;
    },
  };
}

export async function signIn(page: Page, token: string, label = "Approver token"): Promise<void> {
  await page.getByLabel(label).fill(token);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

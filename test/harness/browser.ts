import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findChromium } from "./find_chromium.js";
import { cacheFolder } from "./programs.js";

/** Git-ignored; what tests leave for people to look at. */
export const artifactsFolder = join(cacheFolder, "artifacts");
/** Milliseconds that something on a page may take on a busy machine. */
const patience = 60_000;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The real Chromium, without a window. Throws `PartMissing`. It ends with this process. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = await findChromium();
  // Its own sandbox takes privileges that containers do not give.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"], timeout: 120_000 });
}

/** One visitor with cookies of their own, and what went wrong for them. */
export interface Visit {
  page: Page;
  /** Errors of scripts, violations of the page's policy, dialogs, and requests to anywhere else. */
  trouble: string[];
  close(): Promise<void>;
}

export async function visit(browser: Browser, base: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL: base, viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on("pageerror", (error) => trouble.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    // What the server refuses is told there too; that is no fault of the page.
    const refused = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !refused) trouble.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${base}/`)) trouble.push(`request: ${request.url()}`);
  });
  return { page, trouble, close: () => context.close() };
}

/** What axe-core finds wrong (WCAG 2.2 A and AA, and good practice), one line for each element. */
export async function axeViolations(page: Page): Promise<string[]> {
  const debug = await page.context().newCDPSession(page);
  // As a debugger does it, since the page lets no script in.
  await debug.send("Runtime.evaluate", { expression: axeSource });
  await debug.detach();
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await page.evaluate(
    (runOnly) => (globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run({ runOnly }),
    tags,
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
}

/** Keeps what the page looks like, whole, as `.cache/artifacts/<name>.png`. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  await mkdir(artifactsFolder, { recursive: true });
  await page.screenshot({ path: join(artifactsFolder, `${name}.png`), fullPage: true });
}

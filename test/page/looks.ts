import type { BrowserContextOptions, Page } from "playwright-core";
import { axeViolations, keepScreenshot } from "../harness/browser.js";
import type { InBrowser } from "./in_browser.js";

const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;

/** Every size of window in every colour scheme, with the name that its pictures get. */
export const looks = (["desktop", "phone"] as const).flatMap((size) =>
  (["light", "dark"] as const).map((colorScheme) => [size, colorScheme] as const),
);

export function lookOf([size, colorScheme]: (typeof looks)[number]): BrowserContextOptions {
  return { viewport: sizes[size], colorScheme, reducedMotion: "reduce" };
}

/** Keeps a picture, and holds the page to what everybody needs: WCAG, no scrolling sideways, targets large enough. */
export async function checkLook(page: Page, name: string): Promise<void> {
  await keepScreenshot(page, `dashboard-${name}`);
  expect([name, await axeViolations(page)]).toEqual([name, []]);
  expect([name, await page.evaluate(sideways)]).toEqual([name, 0]);
  expect([name, await page.evaluate(smallTargets)]).toEqual([name, []]);
}

/** Pixels that the page is wider than its window. Runs in the browser, as the next ones do. */
function sideways(): number {
  const { documentElement } = (globalThis as unknown as InBrowser).document;
  return documentElement.scrollWidth - documentElement.clientWidth;
}

/** What can be touched and is lower or narrower than 44 pixels. */
function smallTargets(): string[] {
  const { document } = globalThis as unknown as InBrowser;
  return [...document.querySelectorAll("a:not(.skip), button, input, select, summary")]
    .filter((one) => one.getClientRects().length > 0)
    .filter((one) => one.getBoundingClientRect().height < 44 || one.getBoundingClientRect().width < 44)
    .map((one) => one.outerHTML.slice(0, 120));
}

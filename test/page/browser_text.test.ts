import fc from "fast-check";
import type { Page } from "playwright-core";
import { describeWith } from "../harness/parts.js";
import { findBrowser, freshSite, type Site } from "./browser_fixture.js";

const browser = await findBrowser();

/** What must never be on the page as it is: nobody would see it, or it would move what is around it. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{DI}]|[^\P{Zs} ]/u;

describeWith(browser, "text of agents on the page in Chromium", (use) => {
  let site: Site;
  freshSite(use, (fresh) => {
    site = fresh;
  });

  /** Opens the page of a call with these parameters. */
  const open = async (params: Record<string, unknown>): Promise<Page> => {
    const page = await site.signedIn(`/approvals/${await site.ask({ jobs: 1, ...params })}`);
    await page.getByRole("heading", { name: "Exactly this call" }).waitFor();
    return page;
  };
  /** Where the parameter `value` is shown. */
  const shown = (page: Page) => {
    const term = page.locator("dt").filter({ hasText: /^value$/ });
    return page.locator(".fields > div").filter({ has: term }).locator("dd");
  };

  test.each<[string, string, string]>([
    ["a right-to-left override", "invoice\u202egnp.exe\u202c", '"invoice\\u202egnp.exe\\u202c"'],
    ["isolates", "\u2066a\u2067b\u2068c\u2069", '"\\u2066a\\u2067b\\u2068c\\u2069"'],
    ["zero-width characters", "a\u200bb\u200c\u200d\ufeffc", '"a\\u200bb\\u200c\\u200d\\ufeffc"'],
    ["tags that nobody sees", "ok\u{e0041}\u{e007f}", '"ok\\u{e0041}\\u{e007f}"'],
    ["control characters", "a\u0000\u001b[2Jb\u0085\tc\rd", '"a\\u0000\\u001b[2Jb\\u0085\\tc\\rd"'],
    ["a line break", "first\nsecond", '"first\\n\nsecond"'],
    ["separators of lines and paragraphs", "a\u2028b\u2029c", '"a\\u2028b\\u2029c"'],
    ["odd spaces", "a\u00a0b\u3000c\u2003d\u2800", '"a\\u00a0b\\u3000c\\u2003d\\u2800"'],
    ["fillers and soft hyphens", "a\u3164b\u00adc\u034f", '"a\\u3164b\\u00adc\\u034f"'],
    ["quotes and backslashes", 'say "\\u202e" \\', '"say \\"\\\\u202e\\" \\\\"'],
    ["piled-up marks", "a\u0301\u0301\u0301\u0301 1\u0338", '"a\u0301\u0301\u0301\\u0301 1\\u0338"'],
    ["Hebrew beside digits", "pay 10 \u05d0\u05d1 20", '"pay 10 \u05d0\u05d1 20"'],
    ["letters of two scripts", "p\u0430ypal", '"p\u0430ypal" (mixes Latin and Cyrillic letters)'],
    ["full-width letters", "\uff50\uff41\uff59", '"\uff50\uff41\uff59" (looks like pay)'],
    ["nothing", "", '""'],
    ["markdown", "**safe** [x](javascript:alert(1)) <!-- -->", '"**safe** [x](javascript:alert(1)) <!-- -->"'],
    [
      "HTML",
      `</dd><script>alert(1)</script><img src=x onerror=alert(2)><a href="//evil.example">x</a>`,
      `"</dd><script>alert(1)</script><img src=x onerror=alert(2)><a href=\\"//evil.example\\">x</a>"`,
    ],
  ])("%s", async (_what, value, wanted) => {
    const page = await open({ value });
    expect(await shown(page).textContent()).toBe(wanted);
    expect(await page.locator("main").locator("script, img, iframe, object, a[href*='evil']").count()).toBe(0);
    expect(await page.locator("dd .odd").filter({ hasText: unseen }).count()).toBe(0);
  });

  test("right-to-left letters cannot change the place of what stands beside them", async () => {
    const page = await open({ value: "12 \u05d0\u05d1\u05d2 34 \u05d3\u05d4 56" });
    const places = await shown(page).evaluate(edgesOfNumbers);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).toHaveLength(3);
  });

  test("hostile names of parameters, tools and actions, also where only text can be", async () => {
    const page = await open({ "n\u200bote\u0430": { "<b>\u202e": ["\u2066"] } });
    const text = (await page.locator("main").textContent()) ?? "";
    expect(text).toContain("n\\u200bote\u0430 (mixes Latin and Cyrillic letters)");
    expect(text).toContain('"<b>\\u202e": ["\\u2066"]');
    expect(text.replaceAll("\n", "")).not.toMatch(unseen);
    const labels = await page
      .getByRole("button")
      .evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
    expect(labels.join("")).not.toMatch(unseen);
    expect(await page.title()).not.toMatch(unseen);
  });

  test("a very long parameter is there to its last character, and within the page", async () => {
    const value = Array.from({ length: 5_000 }, (_, i) => `${i}.`).join("");
    const page = await open({ value });
    expect(await shown(page).textContent()).toBe(JSON.stringify(value));
    const { inside, hidden } = await shown(page).evaluate((one) => {
      const root = one.ownerDocument.documentElement;
      return { inside: root.scrollWidth <= root.clientWidth, hidden: one.scrollHeight > one.clientHeight + 1 };
    });
    expect({ inside, hidden }).toEqual({ inside: true, hidden: false });
  });

  test("a parameter that nobody could read whole never becomes an approval", async () => {
    const page = await site.signedIn();
    await page.getByText("Nothing waits for an answer").waitFor();
    for (const bytes of [1 << 20, 65_400]) {
      const answer = await site.made.send({
        method: "POST",
        url: "/v1/check",
        headers: await site.made.agent("deploy-manager"),
        payload: { tool: "shell", action: "run", environment: "production", params: { jobs: 1, x: "y".repeat(bytes) } },
      });
      expect([403, 413]).toContain(answer.statusCode);
      expect(answer.json().error).not.toBe("ApprovalNeeded");
    }
    const listed = await site.made.here.service.list({ limit: 10 });
    expect(listed).toEqual([]);
  });

  test("whatever it is, it is shown so that it can be told exactly, and nothing of it is unseen", async () => {
    const page = await site.signedIn();
    const odd = fc.constantFrom(...'\u202e\u200b\\"\n\t\u0301\ud800\u05d0\u0661\uff41\u0430\u3164\ufe0f\u{e0100}a ');
    const texts = fc.sample(
      fc.string({ unit: fc.oneof(odd, fc.string({ unit: "binary", maxLength: 1 })), maxLength: 30 }),
      {
        numRuns: 2_000,
        seed: 6,
      },
    );
    // As numbers, since lone surrogates do not survive the way to the browser.
    const written = await page.evaluate(
      writeAll,
      texts.map((text) => [...Array(text.length).keys()].map((i) => text.charCodeAt(i))),
    );
    texts.forEach((text, i) => {
      const shownText = written[i] ?? "";
      expect(shownText.replaceAll("\n", "")).not.toMatch(unseen);
      expect(JSON.parse(asJson(shownText))).toBe(text);
    });
  });
});

/** Left edges of the numbers in what is shown, in the order of the text. Runs in the browser. */
// biome-ignore lint/suspicious/noExplicitAny: the types of browsers are not those of Node
function edgesOfNumbers(box: any): number[] {
  const textNodes = 4;
  const walker = box.ownerDocument.createTreeWalker(box, textNodes);
  const edges: number[] = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { 0: found, index } of (node.nodeValue ?? "").matchAll(/\d+/g)) {
      const range = box.ownerDocument.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + found.length);
      edges.push(range.getBoundingClientRect().left);
    }
  }
  return edges;
}

/** What the page shows for each text, without its remarks. Runs in the browser. */
async function writeAll(all: number[][]): Promise<string[]> {
  const module = "/approvals/assets/dom.js";
  const { said } = await import(module);
  return all.map((units) => {
    const box = said(String.fromCharCode(...units), { quoted: true });
    for (const note of box.querySelectorAll(".note")) note.remove();
    return box.textContent;
  });
}

/** The page's spelling in JSON's: a line break is marked and made, and characters beyond 16 bits have braces. */
function asJson(shown: string): string {
  return shown
    .replaceAll("\n", "")
    .replace(/(\\\\)|\\u\{([0-9a-f]+)\}/g, (whole, backslash, hex) =>
      backslash ? whole : JSON.stringify(String.fromCodePoint(Number.parseInt(hex, 16))).slice(1, -1),
    );
}

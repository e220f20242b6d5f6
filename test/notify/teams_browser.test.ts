import { createRequire } from "node:module";
import type * as adaptivecards from "adaptivecards";
import type { Browser } from "playwright-core";
import { messageOf } from "../../src/notify/teams_card.js";
import { keepScreenshot, startBrowser, type Visit, visit } from "../harness/browser.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { attacks } from "./attacks.js";
import { opened, url } from "./fixture.js";

const chromium = await requirePart("Chromium", startBrowser);
const renderer = createRequire(import.meta.url).resolve("adaptivecards/dist/adaptivecards.min.js");

describeWith(chromium, "in a browser, by the renderer of Adaptive Cards", (use: () => Browser) => {
  let here: Visit;
  beforeAll(async () => {
    here = await visit(use(), "about:blank");
    await here.page.addScriptTag({ path: renderer });
  });
  afterAll(async () => {
    await here.close();
    await use().close();
  });

  /** What a reader sees, by paragraphs. What is read as Markdown would be let through as HTML, the worst that could be. */
  const shown = (card: object): Promise<{ paragraphs: string[]; elements: string[] }> =>
    here.page.evaluate((content) => {
      const page = globalThis as unknown as { AdaptiveCards: typeof adaptivecards; document: Page };
      const { AdaptiveCard } = page.AdaptiveCards;
      AdaptiveCard.onProcessMarkdown = (text, result) => Object.assign(result, { outputHtml: text, didProcess: true });
      const drawn = new AdaptiveCard();
      drawn.parse(content);
      page.document.body.replaceChildren(drawn.render());
      const all = (selector: string) => [...page.document.body.querySelectorAll(selector)];
      return {
        paragraphs: all(".ac-richTextBlock").map(({ innerText }) => innerText),
        elements: [...new Set(all("*").map(({ localName }) => localName))].sort(),
      };
    }, card);

  test.each(attacks)("$name is read as it is written, and whole", async ({ text }) => {
    const call = { tool: text, params: { [text]: [text, { text }] } };
    const violations = [{ rule: "params", message: text }];
    const { content } = messageOf(opened({ call, violations }), url).attachments[0];
    const { paragraphs, elements } = await shown(content);
    expect(elements).toEqual(["br", "button", "div", "span"]);
    expect(paragraphs).toHaveLength(content.body.length);
    const code = paragraphs[paragraphs.indexOf("The exact call:") + 1] ?? "";
    expect(JSON.parse(code.replaceAll("\u00a0", " "))).toEqual(call);
    expect(code.split("\n")).toHaveLength(JSON.stringify(call, null, 2).split("\n").length);
    expect(here.trouble).toEqual([]);
  });

  test("a card looks like this", async () => {
    await shown(messageOf(opened(), url).attachments[0].content);
    await keepScreenshot(here.page, "teams-card");
  });
});

interface Page {
  body: {
    replaceChildren(...nodes: unknown[]): void;
    querySelectorAll(selector: string): Iterable<{ innerText: string; localName: string }>;
  };
}

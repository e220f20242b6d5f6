import type {
  ActionsBlock,
  Button,
  HeaderBlock,
  InputBlock,
  KnownBlock,
  RichTextBlock,
  RichTextElement,
} from "@slack/web-api";
import type { Fact } from "./facts.js";

/**
 * Blocks for Slack. What others chose is only ever the `text` of a rich text element, which Slack shows as it is: there
 * is no markup in it, no link, no name and no emoji, so nothing can be broken out of.
 */

/** Code points of one rich text element. Slack names no limit; its text objects have 3000 UTF-16 units. */
const pieces = /[\s\S]{1,1500}/gu;
/** Slack refuses somewhere above 13,000 and does not say how it counts. */
const maxChars = 12_000;

export type RichLine = { text: string; bold?: true } | { text: string; url: string };

export function header(text: string): HeaderBlock {
  return { type: "header", block_id: "header", text: plainText(text) };
}

/** Words and links one after the other; line feeds are kept. */
export function lines(blockId: string, ...parts: RichLine[]): RichTextBlock {
  const elements = parts.flatMap((part): RichTextElement[] => {
    if ("url" in part) return [{ type: "link", ...part }];
    return split(part.text).map((text) => ({ type: "text", text, ...(part.bold && { style: { bold: true } }) }));
  });
  return { type: "rich_text", block_id: blockId, elements: [{ type: "rich_text_section", elements }] };
}

/** A line for each fact, its title in bold. */
export function factLines(blockId: string, facts: readonly Fact[]): RichTextBlock {
  return lines(
    blockId,
    ...facts.flatMap(({ title, text }, i): RichLine[] => [
      { text: `${i === 0 ? "" : "\n"}${title}: `, bold: true },
      { text: text },
    ]),
  );
}

/** The text as it is, in a box. */
export function preformatted(blockId: string, text: string): RichTextBlock {
  const elements = split(text).map((piece) => ({ type: "text" as const, text: piece }));
  return { type: "rich_text", block_id: blockId, elements: [{ type: "rich_text_preformatted", elements }] };
}

export function textInput(name: string, label: string, maxLength: number): InputBlock {
  return {
    type: "input",
    block_id: name,
    optional: true,
    label: plainText(label),
    element: { type: "plain_text_input", action_id: name, max_length: maxLength },
  };
}

export function buttons(...elements: Button[]): ActionsBlock {
  return { type: "actions", block_id: "answer", elements };
}

export function button(actionId: string, text: string, more: Pick<Button, "value" | "url" | "style">): Button {
  return { type: "button", action_id: actionId, text: plainText(text), ...more };
}

/** True when Slack takes these, however it counts: each character counts for the longest way to write it in JSON. */
export function fits(blocks: readonly KnownBlock[]): boolean {
  const longest = JSON.stringify(blocks)
    .replace(/[^ -~]/g, "\\u0000")
    .replaceAll("/", "\\/");
  return longest.length <= maxChars;
}

/** For `text` members, which Slack reads as markup (docs.slack.dev, "Formatting message text"). */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function plainText(text: string) {
  return { type: "plain_text" as const, text, emoji: false };
}

function split(text: string): string[] {
  return text.match(pieces) ?? [];
}

import type { Json } from "../value.js";
import { callTitle, type Fact, factsOf, outcomeOf, sentenceOf } from "./facts.js";
import type { Notice } from "./notice.js";
import { visibleJson } from "./visible.js";

/**
 * Longest message, in bytes. Teams documents 28 KB and does not say of which encoding, and a workflow takes a message
 * before Teams refuses it, so that nobody is told: two bytes are counted for each UTF-16 unit, or UTF-8 if that is more.
 */
export const mostBytes = 28_000;

/** What a Workflows webhook takes ("When a Teams webhook request is received"). */
export interface CardMessage {
  type: "message";
  attachments: [{ contentType: "application/vnd.microsoft.card.adaptive"; contentUrl: null; content: Card }];
}

/**
 * All text is in `TextRun`s, in which no Markdown is read (Adaptive Cards schema). There is no action that answers: a card
 * proves nobody's identity.
 */
interface Card {
  $schema: "http://adaptivecards.io/schemas/adaptive-card.json";
  type: "AdaptiveCard";
  version: "1.4";
  msteams: { width: "Full" };
  fallbackText: string;
  body: RichTextBlock[];
  actions?: [{ type: "Action.OpenUrl"; title: string; url: string }];
}

interface RichTextBlock {
  type: "RichTextBlock";
  spacing?: "Small" | "Medium";
  inlines: TextRun[];
}

interface TextRun {
  type: "TextRun";
  text: string;
  size?: "Medium";
  weight?: "Bolder";
  fontType?: "Monospace";
}

/** The card for a notice. `link` is what its button opens; `null` = no button. */
export function messageOf(notice: Notice, link: string | null): CardMessage {
  if (!("approval" in notice)) return message([heading(titles[notice.kind]), line(sentenceOf(notice))], link);
  if (notice.kind === "approval.closed") {
    const title = `${titles[notice.kind]}: ${callTitle(notice.approval)}`;
    const outcome = `${outcomeOf(notice.approval)} (${notice.approval.id})`;
    return fitting(
      [
        [heading(title), line(outcome)],
        [
          heading(titles[notice.kind]),
          line(`${notice.approval.status} (${notice.approval.id}); the rest is on the page.`),
        ],
      ],
      link,
    );
  }
  const title = heading(`${titles[notice.kind]}: ${callTitle(notice.approval)}`);
  const facts = factsOf(notice).map(factLine);
  const call = [line("The exact call:"), code(notice.approval.call)];
  const short = [heading(titles[notice.kind]), line(`Approval ${notice.approval.id}. ${tooLong("All of it")}`)];
  return fitting([[title, ...facts, ...call], [title, ...facts, line(tooLong("The call"))], short], link);
}

const titles: Record<Notice["kind"], string> = {
  "approval.opened": "Approval needed",
  "approval.escalated": "Approval still needed",
  "approval.closed": "Approval closed",
  "budget.warning": "Budget warning",
  "counters.lost": "Counters lost",
};

function tooLong(what: string): string {
  return `${what} is too long to be shown here and has to be read on the page before anybody decides.`;
}

/** The first of the bodies that fits whole; the last one does in any case. */
function fitting(bodies: readonly RichTextBlock[][], link: string | null): CardMessage {
  const messages = bodies.map((body) => message(body, link));
  const fits = messages.find((one) => sizeOf(one) <= mostBytes) ?? messages.at(-1);
  if (fits === undefined) throw new RangeError("a card has at least one body");
  return fits;
}

function sizeOf(card: CardMessage): number {
  const text = JSON.stringify(card);
  return Math.max(text.length * 2, Buffer.byteLength(text));
}

function message(body: RichTextBlock[], link: string | null): CardMessage {
  const content: Card = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    msteams: { width: "Full" },
    fallbackText: "This message cannot be shown here: open the page of approvals.",
    body,
    ...(link !== null && { actions: [{ type: "Action.OpenUrl", title: "Open the approval", url: link }] }),
  };
  const contentType = "application/vnd.microsoft.card.adaptive";
  return { type: "message", attachments: [{ contentType, contentUrl: null, content }] };
}

function heading(text: string): RichTextBlock {
  return {
    type: "RichTextBlock",
    inlines: [{ type: "TextRun", text: literal(text), size: "Medium", weight: "Bolder" }],
  };
}

function line(text: string): RichTextBlock {
  return { type: "RichTextBlock", spacing: "Medium", inlines: [{ type: "TextRun", text: literal(text) }] };
}

function factLine({ title, text }: Fact): RichTextBlock {
  const inlines: TextRun[] = [
    { type: "TextRun", text: `${title}: `, weight: "Bolder" },
    { type: "TextRun", text: literal(text) },
  ];
  return { type: "RichTextBlock", spacing: "Small", inlines };
}

function code(value: Json): RichTextBlock {
  const lines = visibleJson(value).split("\n");
  const text = lines.map((one) => indented(literal(one))).join("\n");
  return { type: "RichTextBlock", spacing: "Small", inlines: [{ type: "TextRun", text, fontType: "Monospace" }] };
}

/**
 * What a card would not show as it stands: `{{` begins a function (`{{DATE(...)}}`), which is worked out even in a `TextRun`,
 * and several spaces are shown as one. Both as JSON escapes, so that JSON stays the same JSON.
 */
function literal(text: string): string {
  const [, start = "", rest = ""] = /^( *)(.*)$/s.exec(text) ?? [];
  return start + rest.replace(/(?<=\{)\{/g, "\\u007b").replace(/(?<= ) /g, "\\u0020");
}

/** Spaces at the start of a line are dropped by who shows it, unless they do not break. */
function indented(text: string): string {
  return text.replace(/^ +/, (spaces) => "\u00a0".repeat(spaces.length));
}

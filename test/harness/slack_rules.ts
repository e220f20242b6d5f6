import { z } from "zod";

/** What Slack takes as `blocks` (docs.slack.dev, "Block Kit reference"): forms, required members and lengths. */

const text = (most: number) => z.string().min(1).max(most);
const id = text(255);
const plainText = (most: number) =>
  z.strictObject({ type: z.literal("plain_text"), text: text(most), emoji: z.boolean().optional() });
const mrkdwn = (most: number) =>
  z.strictObject({ type: z.literal("mrkdwn"), text: text(most), verbatim: z.boolean().optional() });
const anyText = (most: number) => z.discriminatedUnion("type", [plainText(most), mrkdwn(most)]);
const url = z
  .string()
  .max(3000)
  .regex(/^https?:\/\/[^\s/]+/);

const button = z.strictObject({
  type: z.literal("button"),
  text: plainText(75),
  action_id: id.optional(),
  url: url.optional(),
  value: z.string().max(2000).optional(),
  style: z.enum(["primary", "danger"]).optional(),
  accessibility_label: z.string().max(75).optional(),
});
const textInput = z.strictObject({
  type: z.literal("plain_text_input"),
  action_id: id.optional(),
  multiline: z.boolean().optional(),
  min_length: z.int().min(0).max(3000).optional(),
  max_length: z.int().min(1).max(3000).optional(),
  placeholder: plainText(150).optional(),
  initial_value: z.string().optional(),
});

const style = z
  .strictObject({ bold: z.boolean(), italic: z.boolean(), strike: z.boolean(), code: z.boolean() })
  .partial()
  .optional();
/** Slack names no length for these; its text objects have this one. */
const richText = z.strictObject({ type: z.literal("text"), text: text(3000), style });
const richLink = z.strictObject({ type: z.literal("link"), url, text: z.string().max(3000).optional(), style });
const broadcast = z.strictObject({ type: z.literal("broadcast"), range: z.enum(["here", "channel", "everyone"]) });
const user = z.strictObject({ type: z.literal("user"), user_id: id, style });
const emoji = z.strictObject({ type: z.literal("emoji"), name: text(100) });
const richParts = z.array(z.discriminatedUnion("type", [richText, richLink, broadcast, user, emoji])).min(1);
const border = z.union([z.literal(0), z.literal(1)]).optional();
const richSection = z.strictObject({ type: z.literal("rich_text_section"), elements: richParts });
const preformatted = z.strictObject({
  type: z.literal("rich_text_preformatted"),
  elements: z.array(z.discriminatedUnion("type", [richText, richLink])).min(1),
  border,
});

const block_id = id.optional();
const block = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("divider"), block_id }),
  z.strictObject({ type: z.literal("header"), block_id, text: plainText(150) }),
  z.strictObject({ type: z.literal("section"), block_id, text: anyText(3000) }),
  z.strictObject({ type: z.literal("context"), block_id, elements: z.array(anyText(3000)).min(1).max(10) }),
  z.strictObject({ type: z.literal("actions"), block_id, elements: z.array(button).min(1).max(25) }),
  z.strictObject({
    type: z.literal("input"),
    block_id,
    label: plainText(2000),
    element: textInput,
    hint: plainText(2000).optional(),
    optional: z.boolean().optional(),
    dispatch_action: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal("rich_text"),
    block_id,
    elements: z.array(z.discriminatedUnion("type", [richSection, preformatted])).min(1),
  }),
]);
const blocks = z.array(block).max(50);
export type StandInBlock = z.output<typeof block>;
export type StandInButton = z.output<typeof button>;

/** Slack refuses blocks somewhere above 13,000 characters in all, and does not say how it counts: so at the most. */
const maxChars = 13_000;

/** Slack's error for what is no message, with what it says beside; `null` for a good one. */
export function mistakeIn(args: ReadonlyMap<string, string>): { error: string; messages: string[] } | null {
  const [written, given] = [args.get("text"), args.get("blocks")];
  if (!written && !given) return { error: "no_text", messages: [] };
  if ((written ?? "").length > 40_000) return { error: "msg_too_long", messages: [] };
  if (given === undefined) return null;
  const value = json(given);
  if (!Array.isArray(value)) return { error: "invalid_blocks_format", messages: [] };
  const { data, error } = blocks.safeParse(value);
  if (error) return { error: "invalid_blocks", messages: error.issues.map(pointed) };
  const twice = repeated(data.map(({ block_id: one }) => one)) ?? data.map(twiceIn).find((one) => one !== undefined);
  if (twice !== undefined) return { error: "invalid_blocks", messages: [`[ERROR] \`${twice}\` already exists`] };
  const chars = JSON.stringify(data)
    .replace(/[^ -~]/g, "\\u0000")
    .replaceAll("/", "\\/").length;
  return chars > maxChars ? { error: "msg_blocks_too_long", messages: [] } : null;
}

export function blocksOf(given: string | undefined): StandInBlock[] {
  return given === undefined ? [] : blocks.parse(json(given));
}

function twiceIn(one: StandInBlock): string | undefined {
  return one.type === "actions" ? repeated(one.elements.map(({ action_id }) => action_id)) : undefined;
}

function repeated(ids: readonly (string | undefined)[]): string | undefined {
  return ids.find((one, i) => one !== undefined && ids.indexOf(one) !== i);
}

function pointed({ message, path }: z.core.$ZodIssue): string {
  return `[ERROR] ${message} [json-pointer:/blocks/${path.join("/")}]`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

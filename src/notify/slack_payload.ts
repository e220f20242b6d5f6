import { z } from "zod";

/** Our buttons. */
export const actionIds = {
  approve: "countersign_approve",
  deny: "countersign_deny",
  /** A link; Slack tells of the click all the same. */
  open: "countersign_open",
} as const;

/** Block and action of the text field. */
export const commentId = "comment";

const text = z.string().min(1).max(255);
const buttonValue = z.strictObject({
  /** Of the approval. */
  id: z.string().regex(/^[\w-]{1,64}$/),
  /** `ApprovalView.shown` of what the message shows. */
  shown: z.string().regex(/^sha256:[0-9a-f]{64}$/),
});
export type ButtonValue = z.output<typeof buttonValue>;

/** Slack may add members to anything; those that count are of one form. */
const pressed = z.object({
  type: z.literal("button"),
  action_id: z.enum([actionIds.approve, actionIds.deny]),
  value: z.string().max(2000),
});
const opened = z.object({ type: z.literal("button"), action_id: z.literal(actionIds.open) });
const comment = z.object({
  [commentId]: z.object({
    [commentId]: z.object({ type: z.literal("plain_text_input"), value: z.string().nullish() }),
  }),
});
const payload = z.object({
  type: z.literal("block_actions"),
  api_app_id: text,
  team: z.object({ id: text }),
  user: z.object({ id: text }),
  container: z.object({ type: z.literal("message"), channel_id: text, message_ts: text }),
  actions: z.tuple([z.union([pressed, opened])]),
  state: z.object({ values: z.union([comment, z.strictObject({})]) }).optional(),
});

/** What somebody did to one of our messages. */
export interface SlackClick {
  team: string;
  /** Of the app that Slack tells. */
  app: string;
  /** Slack's id of who clicked. */
  user: string;
  channel: string;
  ts: string;
  /** `null` for the link to the page. */
  answer: (ButtonValue & { decision: "approve" | "deny"; comment?: string }) | null;
}

/** Reads a body of Slack's, `payload=<JSON>`; `null` when it is anything but a click on one of our buttons. */
export function readClick(body: Uint8Array): SlackClick | null {
  const form = [...new URLSearchParams(Buffer.from(body).toString("utf8"))];
  const [only, ...others] = form;
  if (only?.[0] !== "payload" || others.length > 0) return null;
  const { success, data } = payload.safeParse(parsed(only[1]));
  if (!success) return null;
  const { team, user, container, api_app_id: app, state } = data;
  const [action] = data.actions;
  const click = { team: team.id, app, user: user.id, channel: container.channel_id, ts: container.message_ts };
  if (action.action_id === actionIds.open) return { ...click, answer: null };
  const value = buttonValue.safeParse(parsed(action.value));
  if (!value.success) return null;
  const said = state && commentId in state.values ? state.values[commentId][commentId].value : null;
  const decision = action.action_id === actionIds.approve ? "approve" : "deny";
  return { ...click, answer: { ...value.data, decision, ...(said ? { comment: said } : {}) } };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

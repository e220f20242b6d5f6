import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, send } from "./http.js";
import { blocksOf, mistakeIn, type StandInBlock, type StandInButton } from "./slack_rules.js";

export const slackSecrets = { token: "xoxb-123456789012-standin", signing: "8f742231b10e8888abcd99yyyzzz85a5" };
export const slackIds = { channel: "C0APPROVALS", team: "T0STANDIN", app: "A0STANDIN" };

/** A message as people see it. */
export interface SeenMessage {
  channel: string;
  ts: string;
  text: string;
  blocks: StandInBlock[];
  threadTs?: string;
  broadcast: boolean;
  edited: boolean;
  /** Arguments of the last call that made it so. */
  args: ReadonlyMap<string, string>;
}

/** Somebody's click, and how Slack tells of it. */
export interface Click {
  user: string;
  team?: string;
  comment?: string;
  /** What is changed in the payload before it is signed. */
  change?: (payload: Record<string, unknown>) => unknown;
}

export interface SignedRequest {
  headers: Record<string, string | string[]>;
  body: string;
}

export interface SlackStandIn {
  apiUrl: string;
  /** In the order in which they came; those that were deleted are gone. */
  messages: SeenMessage[];
  whispers: { channel: string; user: string; text: string }[];
  /** Methods that were called, in order. */
  calls: string[];
  /** What is answered in place of the next calls. */
  fail(...answers: { status?: number; headers?: Record<string, string>; body?: unknown; hang?: true }[]): void;
  /** Forgets what is left of that. */
  heal(): void;
  /** What Slack sends when somebody clicks; throws when there is no such button to click on. */
  clicked(ts: string, actionId: string, click: Click): SignedRequest;
  /** Sends it, as Slack does. */
  click(endpoint: string, ts: string, actionId: string, click: Click): Promise<Answer>;
  close(): Promise<void>;
}

/** Signs a body as Slack does, `atMs` in milliseconds since the epoch. */
export function signedBySlack(body: string, atMs: number, secret = slackSecrets.signing): SignedRequest {
  const timestamp = String(Math.floor(atMs / 1000));
  const signature = `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
  const type = "application/x-www-form-urlencoded";
  return {
    headers: { "content-type": type, "x-slack-request-timestamp": timestamp, "x-slack-signature": signature },
    body,
  };
}

type Args = ReadonlyMap<string, string>;
class SlackError extends Error {
  constructor(
    name: string,
    readonly messages: string[] = [],
  ) {
    super(name);
  }
}

const known: Record<string, readonly string[]> = {
  "chat.postMessage": [
    ...["channel", "text", "blocks", "mrkdwn", "parse", "link_names", "unfurl_links", "unfurl_media"],
    ...["thread_ts", "reply_broadcast"],
  ],
  "chat.update": ["channel", "ts", "text", "blocks", "parse", "link_names"],
  "chat.postEphemeral": ["channel", "user", "text", "blocks", "parse", "link_names", "thread_ts"],
  "chat.delete": ["channel", "ts"],
};

/** Slack's Web API on loopback, as strict as Slack, and what Slack sends to an app. `now` is Slack's clock. */
export async function startSlack(now: () => number = Date.now): Promise<SlackStandIn> {
  const messages: SeenMessage[] = [];
  const whispers: SlackStandIn["whispers"] = [];
  const calls: string[] = [];
  const failures: Parameters<SlackStandIn["fail"]> = [];
  let count = 0;
  let clicks = 0;
  const nextTs = () => {
    count += 1;
    return `${Math.floor(now() / 1000)}.${String(count).padStart(6, "0")}`;
  };
  const at = (args: Args): SeenMessage => {
    const found = messages.find(({ ts, channel }) => ts === args.get("ts") && channel === args.get("channel"));
    if (!found) throw new SlackError("message_not_found");
    return found;
  };
  const shown = (args: Args) => ({ text: args.get("text") ?? "", blocks: blocksOf(args.get("blocks")), args });

  const methods: Record<string, (args: Args) => object> = {
    "chat.postMessage"(args) {
      const threadTs = args.get("thread_ts");
      if (threadTs !== undefined && !messages.some(({ ts }) => ts === threadTs))
        throw new SlackError("thread_not_found");
      const place = { channel: slackIds.channel, ts: nextTs() };
      const broadcast = args.get("reply_broadcast") === "true";
      messages.push({
        ...place,
        ...shown(args),
        broadcast,
        edited: false,
        ...(threadTs !== undefined && { threadTs }),
      });
      return { ...place, message: { type: "message", ts: place.ts, text: args.get("text") } };
    },
    "chat.update"(args) {
      const message = Object.assign(at(args), shown(args), { edited: true });
      return { channel: message.channel, ts: message.ts, text: message.text };
    },
    "chat.postEphemeral"(args) {
      const user = args.get("user") ?? "";
      if (!/^[UW][A-Z0-9]+$/.test(user)) throw new SlackError("user_not_in_channel");
      whispers.push({ channel: slackIds.channel, user, text: args.get("text") ?? "" });
      return { message_ts: nextTs() };
    },
    "chat.delete"(args) {
      messages.splice(messages.indexOf(at(args)), 1);
      return { channel: slackIds.channel, ts: args.get("ts") };
    },
  };

  function called(name: string, args: Args): object {
    const method = methods[name];
    if (!method) throw new SlackError("unknown_method");
    const odd = [...args.keys()].filter((arg) => !known[name]?.includes(arg));
    if (odd.length > 0) throw new SlackError("invalid_arguments", odd);
    if (args.get("channel") !== slackIds.channel) throw new SlackError("channel_not_found");
    const mistake = name === "chat.delete" ? null : mistakeIn(args);
    if (mistake) throw new SlackError(mistake.error, mistake.messages);
    return method(args);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const name = (request.url ?? "").replace("/api/", "");
    calls.push(name);
    const failure = failures.shift();
    if (failure?.hang) return;
    if (failure) return reply(response, failure);
    try {
      if (request.method !== "POST") throw new SlackError("invalid_form_data");
      if (!/^application\/x-www-form-urlencoded(;|$)/.test(request.headers["content-type"] ?? "")) {
        throw new SlackError("invalid_post_type");
      }
      const { authorization } = request.headers;
      if (authorization === undefined) throw new SlackError("not_authed");
      if (authorization !== `Bearer ${slackSecrets.token}`) throw new SlackError("invalid_auth");
      reply(response, { body: { ok: true, ...called(name, new Map(new URLSearchParams(body))) } });
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      const { message, messages: said } = error;
      reply(response, { body: { ok: false, error: message, response_metadata: { messages: said } } });
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  function clicked(
    ts: string,
    actionId: string,
    { user, team = slackIds.team, comment, change }: Click,
  ): SignedRequest {
    const message = messages.find((one) => one.ts === ts);
    const action = message?.blocks.flatMap(buttonsOf).find((one) => one.action_id === actionId);
    if (!message || !action) throw new Error(`there is no button ${actionId} to click on`);
    clicks += 1;
    const payload = payloadOf(message, action, clicks, { user, team, ...(comment !== undefined && { comment }) });
    const said = change ? change(payload) : payload;
    const body = new URLSearchParams({ payload: typeof said === "string" ? said : JSON.stringify(said) });
    return signedBySlack(body.toString(), now());
  }

  return {
    apiUrl: `http://127.0.0.1:${port}/api/`,
    messages,
    whispers,
    calls,
    fail: (...answers) => void failures.push(...answers),
    heal: () => void failures.splice(0),
    clicked,
    click: (endpoint, ts, actionId, click) => send(endpoint, { method: "POST", ...clicked(ts, actionId, click) }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A `block_actions` payload, with the members that Slack sends today. */
function payloadOf(
  message: SeenMessage,
  action: StandInButton & { block_id?: string | undefined },
  count: number,
  click: Click,
): Record<string, unknown> {
  const { channel, ts, text, blocks } = message;
  const { user, team, comment } = click;
  const inputs = blocks.flatMap((block) => (block.type === "input" ? [block] : []));
  const values = inputs.map(({ block_id = "", element }) => {
    const state = { type: element.type, value: comment ?? null };
    return [block_id, { [element.action_id ?? ""]: state }];
  });
  return {
    type: "block_actions",
    user: { id: user, username: "somebody", name: "somebody", team_id: team },
    api_app_id: slackIds.app,
    token: "legacy-verification-token",
    container: { type: "message", message_ts: ts, channel_id: channel, is_ephemeral: false },
    trigger_id: `${count}.1395872398`,
    team: { id: team, domain: "stand-in" },
    enterprise: null,
    is_enterprise_install: false,
    channel: { id: channel, name: "approvals" },
    message: { bot_id: "B0STANDIN", type: "message", text, user: "U0BOT", ts, app_id: slackIds.app, blocks, team },
    state: { values: Object.fromEntries(values) },
    response_url: "http://127.0.0.1:9/never-asked",
    actions: [{ ...action, action_ts: "1548426417.840180" }],
  };
}

function buttonsOf(block: StandInBlock): (StandInButton & { block_id?: string | undefined })[] {
  if (block.type !== "actions") return [];
  return block.elements.map((element) => ({ ...element, block_id: block.block_id }));
}

function reply(
  response: ServerResponse,
  { status = 200, headers = {}, body = {} }: { status?: number; headers?: Record<string, string>; body?: unknown },
): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers }).end(text);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

import {
  type ChatPostMessageArguments,
  ErrorCode,
  type FetchFunction,
  type KnownBlock,
  type Logger,
  WebClient,
} from "@slack/web-api";
import { printable } from "../printable.js";
import { NotSent } from "./notifier.js";

/** Longest wait for one answer of Slack, as `delivery` may wait longer. */
const timeoutMs = 10_000;
/** What the operator has to mend: asked again, and not often. */
const mendableMs = 60_000;

/** Where a message is. */
export interface Posted {
  /** Id of the channel. */
  channel: string;
  /** Slack's name for a message in its channel. */
  ts: string;
}

export interface SlackMessage {
  /** For notifications and screen readers; formatted by Slack, so `&`, `<` and `>` come escaped. */
  text: string;
  blocks: KnownBlock[];
}

/** Slack's Web API as far as we need it. Every method throws `NotSent`. */
export interface SlackClient {
  post(channel: string, message: SlackMessage, signal?: AbortSignal): Promise<Posted>;
  /** In the thread of a message, and in the channel. */
  reply(to: Posted, message: SlackMessage, signal?: AbortSignal): Promise<void>;
  update(at: Posted, message: SlackMessage, signal?: AbortSignal): Promise<void>;
  remove(at: Posted, signal?: AbortSignal): Promise<void>;
  /** Only one person sees it. */
  whisper(to: { channel: string; user: string }, message: SlackMessage, signal?: AbortSignal): Promise<void>;
}

/** `token` is the bot's, `apiUrl` the base URL of the methods. */
export function slackClient({ token, apiUrl }: { token: string; apiUrl: string }): SlackClient {
  async function call<T>(signal: AbortSignal | undefined, ask: (web: WebClient) => Promise<T>): Promise<T> {
    const asking = new AbortController();
    const end = (): void => asking.abort();
    const timer = setTimeout(end, timeoutMs);
    signal?.addEventListener("abort", end, { once: true });
    let failure: unknown;
    // The SDK takes a signal only by its `fetch`, and does not always keep what went wrong there.
    const fetching = (url: string | URL, init?: object): Promise<Response> =>
      fetch(url, { ...init, signal: asking.signal }).catch((error: unknown) => {
        failure = error;
        throw error;
      });
    try {
      if (signal?.aborted) end();
      return await ask(webClient(token, apiUrl, fetching));
    } catch (error) {
      throw asking.signal.aborted ? new NotSent("Slack does not answer in time") : notSent(error, failure, token);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
    }
  }

  return {
    post: (channel, message, signal) =>
      call(signal, async ({ chat }) => {
        const { channel: id, ts } = await chat.postMessage({ channel, ...message, ...plain });
        if (id === undefined || ts === undefined) throw new NotSent("Slack does not say where the message is");
        return { channel: id, ts };
      }),
    reply: ({ channel, ts }, message, signal) =>
      call(signal, async ({ chat }) => {
        const inThread = { thread_ts: ts, reply_broadcast: true } as const;
        await chat.postMessage({ channel, ...message, ...plain, ...inThread });
      }),
    update: ({ channel, ts }, message, signal) =>
      call(signal, async ({ chat }) => void (await chat.update({ channel, ts, ...message, parse: "none" }))),
    remove: ({ channel, ts }, signal) => call(signal, async ({ chat }) => void (await chat.delete({ channel, ts }))),
    whisper: (to, message, signal) =>
      call(signal, async ({ chat }) => void (await chat.postEphemeral({ ...to, ...message, parse: "none" }))),
  };
}

/** Nothing in a text is a link, a name or markup, and no page that it names is fetched. */
const plain = {
  mrkdwn: false,
  parse: "none",
  link_names: false,
  unfurl_links: false,
  unfurl_media: false,
} as const satisfies Partial<ChatPostMessageArguments>;

/** One for each call, since each ends by itself. */
function webClient(token: string, slackApiUrl: string, fetch: FetchFunction): WebClient {
  return new WebClient(token, {
    slackApiUrl,
    allowAbsoluteUrls: false,
    // Whoever asks for the message to be sent tries again, and knows for how long it is of use.
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: silent,
    fetch,
  });
}

/** By itself the SDK writes to the console, also what Slack answers. */
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  setName: () => undefined,
  getLevel: () => "error" as ReturnType<Logger["getLevel"]>,
} satisfies Logger;

/** Error names of Slack: the message itself is wrong, or is gone. */
const hopeless = new Set([
  "cant_update_message",
  "edit_window_closed",
  "invalid_arguments",
  "invalid_blocks",
  "invalid_blocks_format",
  "message_not_found",
  "msg_blocks_too_long",
  "msg_too_long",
  "no_text",
  "user_not_in_channel",
]);
/** Of the app, its token or the channel. */
const mendable = new Set([
  "account_inactive",
  "channel_not_found",
  "ekm_access_denied",
  "invalid_auth",
  "is_archived",
  "missing_scope",
  "no_permission",
  "not_authed",
  "not_in_channel",
  "org_login_required",
  "restricted_action",
  "team_access_not_granted",
  "token_expired",
  "token_revoked",
]);

function notSent(error: unknown, failure: unknown, token: string): NotSent {
  if (error instanceof NotSent) return error;
  const said = (text: string): string => printable(text.replaceAll(token, "[token]"), 100);
  const { code, data, retryAfter, statusCode } = error as Partial<SlackErrors>;
  switch (code) {
    case ErrorCode.RateLimitedError:
      return new NotSent("Slack takes no more messages for now", { afterMs: (retryAfter ?? 1) * 1000 });
    case ErrorCode.PlatformError:
      return refused(String(data?.error ?? "unknown"), data?.response_metadata?.retryAfter, said);
    case ErrorCode.HTTPError:
      return new NotSent(`Slack answers with status ${statusCode}`);
    default:
      return new NotSent(`Slack cannot be reached: ${codeOf(failure)}`);
  }
}

function refused(name: string, retryAfter: number | undefined, said: (text: string) => string): NotSent {
  const message = `Slack refuses the message: ${said(name)}`;
  if (hopeless.has(name)) return new NotSent(message, { never: true });
  if (mendable.has(name)) return new NotSent(message, { afterMs: mendableMs });
  return new NotSent(message, retryAfter === undefined ? {} : { afterMs: retryAfter * 1000 });
}

/** What the classes of the SDK's errors have in common with each other, which is nothing. */
interface SlackErrors {
  code: string;
  data: { error?: unknown; response_metadata?: { retryAfter?: number } };
  retryAfter: number;
  statusCode: number;
}

/** A code such as ECONNREFUSED. Messages may hold addresses. */
function codeOf(failure: unknown): string {
  const { cause } = (failure ?? {}) as { cause?: { code?: unknown } };
  const code = cause?.code;
  return typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : "the request failed";
}

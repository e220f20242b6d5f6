import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NotSent } from "../../src/notify/notifier.js";
import { openSlack } from "../../src/notify/slack.js";
import { slackClient } from "../../src/notify/slack_client.js";
import type { SlackConfig } from "../../src/notify/slack_settings.js";
import { type SlackStandIn, slackIds, slackSecrets, startSlack } from "../harness/slack_stand_in.js";

let slack: SlackStandIn;
const said: unknown[] = [];
const { log, info, warn, error, debug } = console;
beforeAll(async () => {
  slack = await startSlack();
  const keep = (...words: unknown[]) => void said.push(...words);
  Object.assign(console, { log: keep, info: keep, warn: keep, error: keep, debug: keep });
});
afterAll(async () => {
  Object.assign(console, { log, info, warn, error, debug });
  await slack.close();
  expect(said).toEqual([]);
});

const { token } = slackSecrets;
const text = (words: string) => ({ text: words, blocks: [] });
const good = text("hello");

async function failure(sent: Promise<unknown>): Promise<NotSent> {
  const caught = await sent.catch((one: unknown) => one);
  expect(caught).toBeInstanceOf(NotSent);
  const { message, stack } = caught as NotSent;
  expect(`${message} ${stack}`).not.toContain(token);
  return caught as NotSent;
}
const post = (
  message: Parameters<ReturnType<typeof slackClient>["post"]>[1] = good,
  channel: string = slackIds.channel,
) => slackClient({ token, apiUrl: slack.apiUrl }).post(channel, message);

test("a message is posted once, and where it is is told", async () => {
  const posted = await post();
  expect(slack.messages.map(({ ts, text }) => ({ ts, text }))).toEqual([{ ts: posted.ts, text: "hello" }]);
  expect(slack.calls).toEqual(["chat.postMessage"]);
});

test.each<[string, Parameters<SlackStandIn["fail"]>[0], RegExp, NotSent["retry"]]>([
  ["a rate limit", { status: 429, headers: { "retry-after": "30" } }, /no more messages for now/, { afterMs: 30_000 }],
  ["a rate limit without a time", { status: 429 }, /cannot be reached/, {}],
  ["a failure", { status: 503, body: "down" }, /^Slack answers with status 503$/, {}],
  ["a redirect", { status: 302, headers: { location: "http://127.0.0.1:9/" } }, /cannot be reached/, {}],
  ["a page", { body: `<html>${"x".repeat(5000)}` }, /^Slack refuses the message: <html>x+/, {}],
  ["its own token", { body: { ok: false, error: `bad ${token}` } }, /bad \[token\]$/, {}],
  ["nothing", { body: "null" }, /cannot be reached/, {}],
  ["no place", { body: { ok: true } }, /does not say where/, {}],
  ["internal_error", { body: { ok: false, error: "internal_error" } }, /internal_error/, {}],
  ["invalid_auth", { body: { ok: false, error: "invalid_auth" } }, /invalid_auth/, { afterMs: 60_000 }],
  ["not_in_channel", { body: { ok: false, error: "not_in_channel" } }, /not_in_channel/, { afterMs: 60_000 }],
  ["no blocks of ours", { body: { ok: false, error: "invalid_blocks" } }, /invalid_blocks/, { never: true }],
])("%s", async (_name, answer, message, retry) => {
  slack.fail(answer as object);
  const before = slack.calls.length;
  const caught = await failure(post());
  expect([caught.message, caught.retry]).toEqual([expect.stringMatching(message), retry]);
  expect(caught.message.length).toBeLessThan(200);
  // Whoever asked for it tries again, and nobody else.
  expect(slack.calls.length).toBe(before + 1);
});

test("what Slack checks is checked", async () => {
  const wrong = slackClient({ token: "xoxb-another-token", apiUrl: slack.apiUrl });
  expect((await failure(wrong.post(slackIds.channel, good))).message).toContain("invalid_auth");
  expect((await failure(post(good, "C0ELSEWHERE"))).message).toContain("channel_not_found");
  const header = { type: "header", text: { type: "plain_text", text: "x".repeat(151) } } as const;
  expect((await failure(post({ text: "", blocks: [header] }))).retry).toEqual({ never: true });
  const twice = { type: "divider", block_id: "a" } as const;
  expect((await failure(post({ text: "", blocks: [twice, twice] }))).message).toContain("invalid_blocks");
  const many = Array.from({ length: 51 }, () => ({ type: "divider" }) as const);
  expect((await failure(post({ text: "", blocks: many }))).message).toContain("invalid_blocks");
  expect((await failure(post(text("x".repeat(40_001))))).message).toContain("msg_too_long");
  const section = (length: number) =>
    ({ type: "section", text: { type: "mrkdwn", text: "x".repeat(length) } }) as const;
  const long = Array.from({ length: 5 }, () => section(3000));
  expect((await failure(post({ text: "", blocks: long }))).message).toContain("msg_blocks_too_long");
  expect((await failure(post({ text: "", blocks: [section(3001)] }))).message).toContain("invalid_blocks");
});

test("nobody there", async () => {
  const other = await startSlack();
  await other.close();
  const caught = await failure(slackClient({ token, apiUrl: other.apiUrl }).post(slackIds.channel, good));
  expect([caught.message, caught.retry]).toEqual(["Slack cannot be reached: ECONNREFUSED", {}]);
});

test("a try that is given up ends", async () => {
  slack.fail({ hang: true });
  const giving = new AbortController();
  const sent = slackClient({ token, apiUrl: slack.apiUrl }).post(slackIds.channel, good, giving.signal);
  setTimeout(() => giving.abort(), 50);
  expect((await failure(sent)).message).toBe("Slack does not answer in time");
});

describe("files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "countersign-slack-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const store = { mark: async () => null, marked: async () => null };

  const config = async (content: string): Promise<SlackConfig> => {
    const bot_token_file = join(folder, "token");
    await writeFile(bot_token_file, content);
    return { channel: slackIds.channel, bot_token_file, signing_secret_file: "-", api_url: slack.apiUrl };
  };

  test("a token, with or without a line feed", async () => {
    expect((await openSlack(await config(`${token}\n`), store))?.name).toBe("slack");
    expect(await openSlack(undefined, store)).toBeNull();
  });

  test.each(["", "xoxp-1234567890", "xoxb-short", "not a token", `${token} ${token}`])(
    "%p is none",
    async (content) => {
      const caught = await openSlack(await config(content), store).catch((one: Error) => one.message);
      expect(caught).toMatch(/token: does not hold the token of a Slack bot/);
      if (content !== "") expect(caught).not.toContain(content);
    },
  );

  test("a file that is not there", async () => {
    const missing = { ...(await config("")), bot_token_file: join(folder, "none") };
    await expect(openSlack(missing, store)).rejects.toThrow("none: cannot be read");
  });
});

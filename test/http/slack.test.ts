import { AuditUnavailable } from "../../src/audit/record.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { send } from "../harness/http.js";
import { type SeenMessage, type SignedRequest, signedBySlack, slackSecrets } from "../harness/slack_stand_in.js";
import { type SlackWorld, slackWorld } from "../notify/slack_fixture.js";

let here: SlackWorld;
let id: string;
let message: SeenMessage;
beforeEach(async () => {
  here = await slackWorld();
  ({ id, message } = await here.open());
});
afterEach(() => here.close());

const bob = { user: "U0BOB" };
const clicked = (more: object = {}) => here.slack.clicked(message.ts, "countersign_approve", { ...bob, ...more });
const post = (request: SignedRequest) => send(here.endpoint, { method: "POST", ...request });
const status = async () => (await here.made.here.stored(id)).status;

async function refused(request: SignedRequest, code: number): Promise<void> {
  const answer = await post(request);
  expect(answer.status).toBe(code);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(await here.made.here.stored(id)).toMatchObject({ status: "pending", answers: [] });
}
const unsigned = { type: "urn:countersign:Unauthenticated", reason: "invalid_signature" };

test("a signed click is answered with an empty 200", async () => {
  const answer = await post(clicked());
  expect([answer.status, answer.body, await status()]).toEqual([200, "", "approved"]);
});

describe("401, without a word on which check failed:", () => {
  const changes: [string, (request: SignedRequest) => SignedRequest][] = [
    ["no signature", ({ headers: { "x-slack-signature": _, ...headers }, body }) => ({ headers, body })],
    ["no time", ({ headers: { "x-slack-request-timestamp": _, ...headers }, body }) => ({ headers, body })],
    ["another secret", ({ body }) => signedBySlack(body, here.made.here.nowMs, "0123456789abcdef0123456789abcdef")],
    ["301 seconds ago", ({ body }) => signedBySlack(body, here.made.here.nowMs - 301_000)],
    ["in 301 seconds", ({ body }) => signedBySlack(body, here.made.here.nowMs + 301_000)],
    ["milliseconds", ({ body }) => signedBySlack(body, here.made.here.nowMs * 1000)],
    ["a changed byte", ({ headers, body }) => ({ headers, body: `${body}&` })],
    ["another body", ({ headers, body }) => ({ headers, body: body.replace("U0BOB", "U0CAROL") })],
    ["no body", ({ headers }) => ({ headers, body: "" })],
    ["another time", changed("x-slack-request-timestamp", (text) => String(Number(text) + 1))],
    ["a time that is no number", changed("x-slack-request-timestamp", () => "NaN")],
    ["a negative time", changed("x-slack-request-timestamp", (text) => `-${text}`)],
    ["a time with a fraction", changed("x-slack-request-timestamp", (text) => `${text}.0`)],
    ["two times", changed("x-slack-request-timestamp", (text) => [text, text])],
    ["two signatures", changed("x-slack-signature", (text) => [text, text])],
    ["a wrong signature and the right one", changed("x-slack-signature", (text) => [`v0=${"0".repeat(64)}`, text])],
    ["upper case", changed("x-slack-signature", (text) => `v0=${text.slice(3).toUpperCase()}`)],
    ["another version", changed("x-slack-signature", (text) => text.replace("v0", "v1"))],
    ["part of it", changed("x-slack-signature", (text) => text.slice(0, -2))],
    ["an empty one", changed("x-slack-signature", () => "")],
  ];

  test.each(changes)("%s", async (_name, change) => {
    const request = change(clicked());
    await refused(request, 401);
    expect(JSON.parse((await post(request)).body)).toMatchObject(unsigned);
    expect(here.slack.whispers).toEqual([]);
  });

  test("the same request again", async () => {
    const request = here.slack.clicked(message.ts, "countersign_open", bob);
    expect((await post(request)).status).toBe(200);
    await refused(request, 401);
  });

  test("the same answer again, at once a hundred times", async () => {
    const request = clicked();
    const answers = await Promise.all(Array.from({ length: 100 }, () => post(request)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(99);
    expect(here.made.here.records.outcomes()).toEqual(["bob@example.com approve approved"]);
  });

  test("the same request for as long as its time is good", async () => {
    const nowMs = here.made.here.nowMs;
    const { body } = here.slack.clicked(message.ts, "countersign_open", bob);
    const request = signedBySlack(body, nowMs + 300_000);
    expect((await post(request)).status).toBe(200);
    here.made.here.nowMs = nowMs + 599_000;
    await expect(post(request)).resolves.toMatchObject({ status: 401 });
  });
});

test.each([-300_000, 300_000])("%d ms from now is near enough", async (apartMs) => {
  const { body } = clicked();
  expect((await post(signedBySlack(body, here.made.here.nowMs + apartMs))).status).toBe(200);
});

test("another workspace is refused", async () => {
  await refused(clicked({ team: "T0OTHER" }), 403);
  expect(here.made.warned).toMatchObject([{ details: { team: "T0OTHER", app: "A0STANDIN" } }]);
});

test("any workspace, where none is named", async () => {
  await here.close();
  here = await slackWorld({ team: null });
  ({ id, message } = await here.open());
  expect((await post(clicked({ team: "T0OTHER" }))).status).toBe(200);
  expect(await status()).toBe("approved");
});

type Payload = Record<string, unknown>;
const acted = (change: object) => (payload: Payload) => ({
  ...payload,
  actions: (payload.actions as object[]).map((action) => ({ ...action, ...change })),
});

test.each<[string, (payload: Payload) => unknown]>([
  ["another type", (payload) => ({ ...payload, type: "view_submission" })],
  ["a string", () => "payload"],
  ["null", () => "null"],
  ["a list", (payload) => [payload]],
  ["no user", ({ user: _, ...payload }) => payload],
  ["a user without an id", (payload) => ({ ...payload, user: { name: "U0BOB" } })],
  ["an id that is a list", (payload) => ({ ...payload, user: { id: ["U0BOB"] } })],
  ["no workspace", (payload) => ({ ...payload, team: null })],
  ["no message", (payload) => ({ ...payload, container: { type: "view", view_id: "V1" } })],
  ["no action", (payload) => ({ ...payload, actions: [] })],
  ["two actions", (payload) => ({ ...payload, actions: [payload.actions, payload.actions].flat() })],
  ["a foreign action", acted({ action_id: "approve" })],
  ["an inherited action", acted({ action_id: "constructor" })],
  ["no value", acted({ value: undefined })],
  ["a value that is no JSON", acted({ value: "{" })],
  [
    "a value with more in it",
    acted({ value: JSON.stringify({ id: "apr_1", shown: `sha256:${"a".repeat(64)}`, x: 1 }) }),
  ],
  ["a value without a digest", acted({ value: JSON.stringify({ id: "apr_1" }) })],
  ["an odd id", acted({ value: JSON.stringify({ id: "../apr_1", shown: `sha256:${"a".repeat(64)}` }) })],
  [
    "a comment of another form",
    (payload) => ({ ...payload, state: { values: { comment: { comment: { type: "x" } } } } }),
  ],
])("400: %s", async (_name, change) => {
  await refused(clicked({ change }), 400);
});

test.each(["", "payload", "payload=%7B%7D", "payload=1&payload=2", "x=1", '{"type":"block_actions"}'])(
  "400: the body %p",
  async (body) => {
    await refused(signedBySlack(body, here.made.here.nowMs), 400);
  },
);

test("a large body is taken, and a larger one is not", async () => {
  const pad = (length: number) => clicked({ change: (payload: Payload) => ({ ...payload, pad: "x".repeat(length) }) });
  await refused(pad(262_144), 413);
  expect((await post(pad(200_000))).status).toBe(200);
});

test("no body is read of what cannot be Slack's", async () => {
  const answer = await send(here.endpoint, { method: "POST", body: "x".repeat(300_000) });
  expect(answer.status).toBe(401);
});

test("another type of body is refused", async () => {
  const { headers, body } = clicked();
  await refused({ headers: { ...headers, "content-type": "application/json" }, body }, 415);
});

describe("nothing is decided when", () => {
  test("the store cannot say whether it is new", async () => {
    here.made.here.store.once = async () => {
      throw new StoreUnavailable("no answer from 10.0.0.7");
    };
    await refused(clicked(), 503);
  });

  test("it cannot be recorded", async () => {
    here.made.here.records.broken = true;
    await refused(clicked(), 503);
    await here.made.app.close();
    expect(here.slack.whispers).toMatchObject([{ user: "U0BOB", text: expect.stringContaining("does not count") }]);
    expect(here.made.logged).toMatchObject([{ details: { err: expect.any(AuditUnavailable) } }]);
  });
});

test("Slack that takes no message does not hold up its own answer", async () => {
  here.slack.fail({ hang: true });
  const { status: code } = await post(clicked({ user: "U0NOBODY" }));
  expect(code).toBe(200);
  await here.slack.close();
  await here.made.app.close();
  expect(here.made.warned.map(({ message }) => message)).toContain("Slack: nobody was told");
  const logged = JSON.stringify([here.made.warned, here.made.logged]);
  for (const secret of Object.values(slackSecrets)) expect(logged).not.toContain(secret);
});

function changed(name: string, change: (text: string) => string | string[]) {
  return ({ headers, body }: SignedRequest): SignedRequest => ({
    headers: { ...headers, [name]: change(String(headers[name])) },
    body,
  });
}

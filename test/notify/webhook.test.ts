import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { NotSent } from "../../src/notify/notifier.js";
import { openWebhook } from "../../src/notify/webhook.js";
import { type Received, type Receiver, type Reply, startReceiver } from "../harness/receiver.js";
import { approval, attempt, opened, risk, url } from "./fixture.js";

const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const other = `whsec_${Buffer.alloc(64, 9).toString("base64")}`;
const folder = await mkdtemp(join(tmpdir(), "countersign-webhook-"));
afterAll(() => rm(folder, { recursive: true }));

let reply: Reply = { status: 204 };
let there: Receiver;
beforeAll(async () => {
  there = await startReceiver(() => reply);
});
afterAll(() => there.close());
beforeEach(() => {
  reply = { status: 204 };
  there.received.length = 0;
});

/** A webhook with a file of these secrets, by a clock that is so far off. */
async function webhook({ secrets = secret, offMs = 0, target = `${there.url}/hook` } = {}) {
  const file = join(folder, "secret");
  await writeFile(file, secrets);
  const notifier = await openWebhook({ url: target, secret_file: file }, { now: () => Date.now() + offMs });
  if (!notifier) throw new Error("not configured");
  return notifier;
}

async function delivered(options: Parameters<typeof webhook>[0] = {}, notice = opened()): Promise<Received> {
  await (await webhook(options)).send(notice, attempt());
  const [received] = there.received;
  if (!received) throw new Error("nothing arrived");
  return received;
}

const headersOf = ({ headers }: Received) => headers as Record<string, string>;

test("it is not there without a configuration", async () => {
  expect(await openWebhook(undefined, { now: Date.now })).toBeNull();
});

test("what arrives is what the specification asks for, and its library verifies it", async () => {
  const received = await delivered();
  expect([received.method, received.path]).toEqual(["POST", "/hook"]);
  expect(received.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(received.headers["webhook-id"]).toBe("msg-1");
  const event = new Webhook(secret).verify(received.body, headersOf(received));
  expect(event).toEqual({
    type: "approval.opened",
    timestamp: approval.created_at,
    data: { approval, risk, url },
  });
});

test("a tampered body, id, time or signature does not verify, and neither does another secret", async () => {
  const received = await delivered();
  const headers = headersOf(received);
  const verify = (body: string, more: Record<string, string> = {}, key = secret) =>
    new Webhook(key).verify(body, { ...headers, ...more });
  expect(() => verify(received.body.replace("pending", "approved"))).toThrow("No matching signature");
  expect(() => verify(received.body, { "webhook-id": "msg-2" })).toThrow("No matching signature");
  const later = String(Number(headers["webhook-timestamp"]) + 1);
  expect(() => verify(received.body, { "webhook-timestamp": later })).toThrow("No matching signature");
  expect(() => verify(received.body, {}, other)).toThrow("No matching signature");
  expect(verify(received.body)).toBeDefined();
});

test.each([
  ["old", -301_000],
  ["new", 302_000],
])("one that is too %s is refused: each try has the time at which it is made", async (word, offMs) => {
  const received = await delivered({ offMs });
  expect(() => new Webhook(secret).verify(received.body, headersOf(received))).toThrow(`too ${word}`);
});

test("while secrets change it is signed with each", async () => {
  const received = await delivered({ secrets: `${other}\n\n${secret}\n` });
  for (const key of [secret, other]) expect(new Webhook(key).verify(received.body, headersOf(received))).toBeDefined();
});

test("the time of an event is when it happened", async () => {
  const denied = { approver: "bob", decision: "deny" as const, at: "2026-03-01T14:25:00.000Z" };
  const timeOf = async (notice: Parameters<typeof delivered>[1]) => {
    there.received.length = 0;
    return JSON.parse((await delivered({}, notice)).body).timestamp;
  };
  expect(await timeOf({ ...opened(), kind: "approval.escalated" })).toBe("2026-03-01T14:27:00.000Z");
  expect(await timeOf({ ...opened({ status: "denied", decisions: [denied] }), kind: "approval.closed" })).toBe(
    denied.at,
  );
  expect(await timeOf({ ...opened({ status: "expired" }), kind: "approval.closed" })).toBe(approval.expires_at);
});

test("warnings of budgets and lost counters have their own fields", async () => {
  const notifier = await webhook();
  const at = "2026-03-01T14:22:00.000Z";
  const budget = { limit: "daily_budget", mode: "enforce", percent: 80, refused: false, used: 81, most: 100 } as const;
  const who = { agent_id: "a", session_id: "s" };
  await notifier.send({ kind: "budget.warning", at, ...who, ...budget }, attempt());
  await notifier.send({ kind: "counters.lost", at, agent_id: "a" }, attempt());
  expect(there.received.map(({ body }) => JSON.parse(body))).toEqual([
    { type: "budget.warning", timestamp: at, data: { ...who, ...budget } },
    { type: "counters.lost", timestamp: at, data: { agent_id: "a" } },
  ]);
});

async function refusal(
  given: Reply,
  options: Parameters<typeof webhook>[0] = {},
  signal?: AbortSignal,
): Promise<NotSent> {
  reply = given;
  const notifier = await webhook(options);
  const sent = notifier.send(opened(), { ...attempt(), ...(signal && { signal }) });
  const error: unknown = await sent.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof NotSent)) throw new Error(`not refused: ${error}`);
  return error;
}

test.each<[Reply, string, NotSent["retry"]]>([
  [{ status: 500 }, "it answers 500", {}],
  [{ status: 404 }, "it answers 404", {}],
  [{ status: 400 }, "it answers 400", {}],
  [{ status: 410 }, "it answers 410: nobody listens there any more", { never: true }],
  [{ status: 429, headers: { "retry-after": "7" } }, "it answers 429", { afterMs: 7_000 }],
  [{ status: 503, headers: { "retry-after": "0" } }, "it answers 503", { afterMs: 0 }],
  [{ status: 503 }, "it answers 503", {}],
  [{ status: 500, headers: { "retry-after": "7" } }, "it answers 500", {}],
])("%j is not a success", async (given, message, retry) => {
  const error = await refusal(given);
  expect([error.message, error.retry]).toEqual([message, retry]);
});

test("redirects are not followed", async () => {
  const error = await refusal({ status: 307, headers: { location: `${there.url}/elsewhere` } });
  expect(error.message).toBe("it answers 307, and redirects are not followed");
  expect(there.received.map(({ path }) => path)).toEqual(["/hook"]);
});

test("an answer without end is not read", async () => {
  const endless = await startReceiver(() => ({ status: 200, headers: { "content-length": "1000000000" }, body: "x" }));
  await (await webhook({ target: endless.url })).send(opened(), attempt());
  expect(endless.received).toHaveLength(1);
  await endless.close();
});

test("nobody there, and nobody who answers", async () => {
  const gone = await startReceiver(() => null);
  await gone.close();
  expect((await refusal(null, { target: gone.url })).message).toBe("it cannot be reached: ECONNREFUSED");
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 200);
  expect((await refusal(null, {}, stop.signal)).message).toBe("no answer in time");
});

test.each([
  ["", "is empty; write whsec_<base64 of 24 to 64 random bytes>"],
  [Buffer.alloc(24).toString("base64"), "write whsec_<base64 of 24 to 64 random bytes>"],
  ["whsec_not base64", "write whsec_<base64 of 24 to 64 random bytes>"],
  [`whsec_${Buffer.alloc(25).toString("base64").replace(/=+$/, "")}`, "write whsec_<base64 of 24 to 64 random bytes>"],
  [
    `whsec_${Buffer.alloc(23).toString("base64")}`,
    "a secret of 23 bytes; write whsec_<base64 of 24 to 64 random bytes>",
  ],
  [
    `whsec_${Buffer.alloc(65).toString("base64")}`,
    "a secret of 65 bytes; write whsec_<base64 of 24 to 64 random bytes>",
  ],
  [`${secret}\n`.repeat(5), "at most 4 secrets, one per line"],
])("the secret %j is refused at the start", async (secrets, message) => {
  await expect(webhook({ secrets })).rejects.toThrow(new Error(`${join(folder, "secret")}: ${message}`));
});

test("a secret that cannot be read is refused at the start", async () => {
  const opening = openWebhook({ url: there.url, secret_file: "/nowhere/secret" }, { now: Date.now });
  await expect(opening).rejects.toThrow(new Error("/nowhere/secret: cannot be read"));
});

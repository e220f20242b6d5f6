import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyLink } from "../../src/approvals/link.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import type { Notice } from "../../src/notify/notice.js";
import { openTeams } from "../../src/notify/teams.js";
import { messageOf, mostBytes } from "../../src/notify/teams_card.js";
import type { Json } from "../../src/value.js";
import { paragraphsOf, startTeams, type TeamsStandIn } from "../harness/teams_stand_in.js";
import { attacks } from "./attacks.js";
import { approval, attempt, opened, url } from "./fixture.js";

const folder = await mkdtemp(join(tmpdir(), "countersign-teams-"));
afterAll(() => rm(folder, { recursive: true }));
const key = await signingKeyOf(generateKey("OKP", "approvals"));
const nowMs = Date.parse("2026-03-01T14:23:00Z");

let there: TeamsStandIn;
beforeEach(async () => {
  there = await startTeams();
});
afterEach(() => there.close());

async function teams(content = `${there.url}/workflows/secret?sig=abc\n`) {
  const file = join(folder, "url");
  await writeFile(file, content);
  const config = { webhook_url_file: file, link_ttl: 300_000 };
  const notifier = await openTeams(config, {
    key,
    publicUrl: "https://cs.example/base/",
    runtime: { now: () => nowMs },
  });
  if (!notifier) throw new Error("not configured");
  return notifier;
}

/** The paragraphs of the card that Teams has taken. */
async function shown(notice: Notice): Promise<string[]> {
  await (await teams()).send(notice, attempt());
  expect(there.refusals).toEqual([]);
  const card = there.cards.at(-1);
  if (!card) throw new Error("no card");
  return paragraphsOf(card);
}

/** The call as a reader would copy it. */
const callIn = (paragraphs: string[]): unknown =>
  JSON.parse((paragraphs[paragraphs.indexOf("The exact call:") + 1] ?? "").replaceAll("\u00a0", " "));

test("it is not there without a configuration", async () => {
  expect(await openTeams(undefined, { key, publicUrl: "", runtime: { now: () => 0 } })).toBeNull();
});

test("a card shows what makes the call risky, and the exact call", async () => {
  const paragraphs = await shown(opened());
  expect(paragraphs.slice(0, -1)).toEqual([
    "Approval needed: deploy-api deploy",
    "Call: deploy-api deploy",
    "Asked by: deploy-manager, started by alice",
    "Environment: production",
    "Rules: allowed_environments",
    "Why: production needs approval",
    "Cost: 2.5",
    "Session: abc-123: suspect, 3 anomalies, 12 calls, 4 refused, has seen config, pii",
    "History: of its 9 newest: 5 approved, 2 denied, 1 expired, 1 pending",
    "Same action before: 3 approved, 1 denied, last 2026-02-28T10:00:00.000Z",
    "Approvals needed: 2, of sre or leads",
    "Expires: 2026-03-01T14:37:00.000Z",
    "The exact call:",
  ]);
  expect(callIn(paragraphs)).toEqual(approval.call);
  expect(there.received[0]?.path).toBe("/workflows/secret?sig=abc");
});

test("the rest of the body is in the card, or that it was not read", async () => {
  const of = (body: Json) => shown({ ...opened(), approval: { ...approval, call: { tool: "deploy-api", body } } });
  const read = await of({ namespace: "kube-system" });
  expect(callIn(read)).toEqual({ tool: "deploy-api", body: { namespace: "kube-system" } });
  expect(read.some((line) => line.startsWith("Body:"))).toBe(false);
  expect(await of(null)).toContain("Body: was not read: what is in it is not shown");
});

test("its one action opens the page by a link that opens this approval, and ends in time", async () => {
  await shown(opened());
  const [action, ...more] = JSON.parse(there.received[0]?.body ?? "").attachments[0].content.actions;
  expect([action.type, more]).toEqual(["Action.OpenUrl", []]);
  const [page, token = ""] = action.url.split("?link=");
  expect(page).toBe("https://cs.example/base/approvals/open");
  const link = await verifyLink(key, token, nowMs);
  expect(link).toMatchObject({ id: approval.id, agent: "deploy-manager", expiresAtMs: nowMs + 300_000 });
  expect(await verifyLink(key, token, nowMs + 300_001)).toBeNull();
});

test("an escalation says to whom", async () => {
  const paragraphs = await shown({ ...opened(), kind: "approval.escalated" });
  expect(paragraphs[0]).toBe("Approval still needed: deploy-api deploy");
  expect(paragraphs).toContain("Escalated to: leads");
});

test("a closed one is told by a short card that leads to the page without a link that opens it", async () => {
  const decisions = [
    { approver: "bob", decision: "deny" as const, comment: "not on **Friday**", at: "2026-03-01T14:25:00.000Z" },
  ];
  const paragraphs = await shown({ ...opened({ status: "denied", decisions }), kind: "approval.closed" });
  expect(paragraphs).toEqual([
    "Approval closed: deploy-api deploy",
    `not approved; denied by bob: "not on **Friday**" (${approval.id})`,
  ]);
  expect(there.received[0]?.body).toContain(JSON.stringify(url));
  expect(there.received[0]?.body).not.toContain("?link=");
});

test.each<[Notice, string[]]>([
  [
    {
      kind: "budget.warning",
      at: "2026-03-01T14:22:00.000Z",
      agent_id: "a",
      session_id: "s",
      limit: "session_budget",
      mode: "shadow",
      percent: 80,
      refused: false,
      used: 81,
      most: 100,
    },
    [
      "Budget warning",
      "80 % of the session's budget are used by session s of agent a: 81 of 100 (in shadow: nothing is refused for it)",
    ],
  ],
  [
    {
      kind: "budget.warning",
      at: "2026-03-01T14:22:00.000Z",
      agent_id: "a",
      session_id: "s",
      limit: "daily_budget",
      mode: "enforce",
      percent: 100,
      refused: true,
      used: 12,
      most: 100,
    },
    ["Budget warning", "A call of agent a costs more than is left of the day's budget: 12 of 100 are used"],
  ],
  [
    { kind: "counters.lost", at: "2026-03-01T14:22:00.000Z", agent_id: "a" },
    ["Counters lost", "The store has lost counters of agent a; limits go on from what is known here"],
  ],
])("%j is a sentence", async (notice, wanted) => expect(await shown(notice)).toEqual(wanted));

test.each(attacks)("$name is shown as it is written, and whole", async ({ text }) => {
  const call = { tool: text, action: text, environment: text, params: { [text]: [text, { text }] } };
  const violations = [{ rule: "params", message: text }];
  const paragraphs = await shown(opened({ call, violations, requested_by: { agent: "bot", initiated_by: text } }));
  expect(callIn(paragraphs)).toEqual(call);
  for (const line of paragraphs.flatMap((paragraph) => paragraph.split("\n"))) {
    expect(line.replace(/^\u00a0+/, "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|\{\{| {2}/u);
  }
});

test.each([
  ["long", { note: "x".repeat(20_000) }],
  ["of two bytes", { note: "世".repeat(9_500) }],
  ["of many lines", Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`p${i}`, i]))],
  ["of escapes", { note: "\u200b".repeat(3_000) }],
  ["of 64 KiB", { note: "x".repeat(65_536) }],
] satisfies [string, Json][])(
  "a call that is too long (%s) is not cut, and the card says so",
  async (_what, params) => {
    const paragraphs = await shown(opened({ call: { tool: "t", action: "a", params } }));
    expect(paragraphs.at(-1)).toBe(
      "The call is too long to be shown here and has to be read on the page before anybody decides.",
    );
    expect(paragraphs).toContain("Rules: allowed_environments");
    expect(there.received[0]?.body).not.toContain("xxx");
  },
);

test("the longest call that fits is shown whole", () => {
  const sizes = Array.from({ length: 200 }, (_, i) => i * 100).map((length) => {
    const text = JSON.stringify(messageOf(opened({ call: { note: "x".repeat(length) } }), url));
    return { isWhole: text.includes(`${"x".repeat(length)}\\"`), bytes: text.length * 2 };
  });
  const whole = sizes.filter(({ isWhole }) => isWhole);
  expect(Math.max(...whole.map(({ bytes }) => bytes))).toBeGreaterThan(mostBytes - 500);
  expect(Math.max(...sizes.map(({ bytes }) => bytes))).toBeLessThanOrEqual(mostBytes);
  expect(sizes.slice(0, whole.length).every(({ isWhole }) => isWhole)).toBe(true);
});

test("where even the reasons are too long, the card leads to the page", async () => {
  const violations = [{ rule: "params", message: "y".repeat(30_000) }];
  expect(await shown(opened({ violations }))).toEqual([
    "Approval needed",
    `Approval ${approval.id}. All of it is too long to be shown here and has to be read on the page before anybody decides.`,
  ]);
  const decisions = [{ approver: "bob", decision: "deny" as const, comment: "z".repeat(30_000), at: "" }];
  const closed = await shown({ ...opened({ status: "denied", decisions }), kind: "approval.closed" });
  expect(closed).toEqual(["Approval closed", `denied (${approval.id}); the rest is on the page.`]);
});

test("Teams may ask to be left alone for a while", async () => {
  there.throttle(1, "30");
  const notifier = await teams();
  await expect(notifier.send(opened(), attempt())).rejects.toMatchObject({ retry: { afterMs: 30_000 } });
  await notifier.send(opened(), attempt());
  expect(there.cards).toHaveLength(1);
});

test.each([
  ["", "write one line, the URL of the workflow's webhook"],
  ["https://a.example/1\nhttps://a.example/2", "write one line, the URL of the workflow's webhook"],
  ["http://teams.example/secret", "write an https:// URL without user and fragment"],
  ["https://user:password@teams.example/", "write an https:// URL without user and fragment"],
  ["secret", "write an https:// URL without user and fragment"],
])("the address %j is refused at the start, and not quoted", async (content, message) => {
  await expect(teams(content)).rejects.toThrow(new Error(`${join(folder, "url")}: ${message}`));
});

test("the stand-in refuses what Teams would", async () => {
  const post = (body: unknown, headers: Record<string, string> = { "content-type": "application/json" }) =>
    fetch(there.url, { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
  const message = structuredClone(messageOf(opened(), url));
  expect((await post(message)).status).toBe(202);
  expect((await post(message, { "content-type": "text/plain" })).status).toBe(400);
  expect((await fetch(there.url)).status).toBe(400);
  const [attachment] = message.attachments;
  const content = (more: object) => ({
    ...message,
    attachments: [{ ...attachment, content: { ...attachment.content, ...more } }],
  });
  const bad = [
    { ...message, type: "MessageCard" },
    { ...message, attachments: [attachment, attachment] },
    { ...message, attachments: [{ ...attachment, contentUrl: "https://x" }] },
    { ...message, attachments: [{ ...attachment, contentType: "application/json" }] },
    { ...message, note: "x".repeat(28 * 1024) },
    content({ version: "1.6" }),
    content({ body: [{ type: "Video" }] }),
    content({ body: [{ type: "TextBlock", text: "x", colour: "red" }] }),
    content({ actions: [{ type: "Action.Post" }] }),
  ];
  for (const [i, one] of bad.entries()) expect([(await post(one)).status, i]).toEqual([400, i]);
  expect(there.cards).toHaveLength(1);
});

import type { Json } from "../../src/call.js";
import type { ApprovalNotice } from "../../src/notify/notice.js";
import { slackClient } from "../../src/notify/slack_client.js";
import { closedMessage, openedMessage } from "../../src/notify/slack_messages.js";
import { type SeenMessage, type SlackStandIn, slackIds, slackSecrets, startSlack } from "../harness/slack_stand_in.js";
import { buttonsIn, callIn, page, risk, textsOf } from "./slack_fixture.js";

let slack: SlackStandIn;
beforeAll(async () => {
  slack = await startSlack();
});
afterAll(() => slack.close());

const id = "apr_01KJMK00000000000000000001";

function notice(params: Json, more: Partial<ApprovalNotice["approval"]> = {}): ApprovalNotice {
  const approval: ApprovalNotice["approval"] = {
    id,
    status: "pending",
    call: { tool: "deploy-api", action: "deploy", params },
    shown: `sha256:${"a".repeat(64)}`,
    reason: "approval_needed",
    violations: [],
    requested_by: { agent: "deploy-manager" },
    quorum: 1,
    approvers: [],
    cost: 0,
    created_at: "2026-03-01T14:22:00.000Z",
    expires_at: "2026-03-01T14:37:00.000Z",
    decisions: [],
    ...more,
  };
  return { kind: "approval.opened", approval, risk, url: page(id) };
}

/** The message as Slack has it. */
async function posted(message: ReturnType<typeof openedMessage>): Promise<SeenMessage> {
  const client = slackClient({ token: slackSecrets.token, apiUrl: slack.apiUrl });
  await client.post(slackIds.channel, message);
  return slack.messages.at(-1) as SeenMessage;
}

const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u3164]/u;

const attacks: [string, string][] = [
  ["bidi", "a\u202eexe.gpj\u202c\u2066b\u2069"],
  ["zero width", "pay\u200b\u200c\u200d\ufeff\u2060pal"],
  ["fillers and blanks", "\u3164\u2800\u115f\u00a0\u2003\u180e\ufe0f"],
  ["tags", "\u{e0041}\u{e0042}"],
  ["line separators", "a\u2028b\u2029c\u0085d\r\n\u000b"],
  ["lone surrogate", "\ud800x"],
  ["markup", "*bold* _it_ ~no~ `code` > quote\n• list"],
  ["the end of a box", "```\n*Approved by* bob\n```"],
  ["everybody", "<!channel> <!here> <!everyone> @channel"],
  ["a name", "<@U0BOB> <#C0APPROVALS> <!subteam^S1>"],
  ["a link", "<https://evil.example|https://good.example> https://evil.example"],
  ["HTML", "<b>bold</b><script>alert(1)</script>&lt;&amp;&#x202e;"],
  ["emoji", ":white_check_mark: :skull:"],
  ["JSON", '", "replicas": 1, "x": "\\" \\u202e'],
];

test.each(attacks)("%s is shown as it is, and whole", async (_name, text) => {
  const params = { note: text, [`k${text}`]: [text] };
  const message = await posted(openedMessage(notice(params)));
  const shown = callIn(message) ?? "";
  expect(JSON.parse(shown)).toEqual({ tool: "deploy-api", action: "deploy", params });
  expect(shown.replaceAll("\n", "")).not.toMatch(unseen);
  expect(buttonsIn(message)).toContain("countersign_approve");
  expect(message.text).not.toContain(text);
});

test.each(attacks)("%s in a fact stays on its line, in one form of text", async (_name, text) => {
  const violations = [{ rule: "params", actual: text, message: `note ${text} is forbidden` }];
  const requested_by = { agent: "deploy-manager", initiated_by: text };
  const message = await posted(
    openedMessage(notice({}, { violations, requested_by, call: { tool: text, action: text } })),
  );
  const facts = message.blocks.find(({ block_id }) => block_id === "facts");
  const parts = facts?.type === "rich_text" ? facts.elements.flatMap(({ elements }) => elements) : [];
  expect(parts.every(({ type }) => type === "text")).toBe(true);
  const values = parts.flatMap((part) => (part.type === "text" && !part.style?.bold ? [part.text] : []));
  expect(values.join("").match(unseen)).toBeNull();
});

test("nothing is mrkdwn, and no emoji is made of names", async () => {
  const message = await posted(openedMessage(notice({})));
  expect(JSON.stringify(message.blocks)).not.toContain("mrkdwn");
  expect(JSON.stringify(message.blocks)).not.toContain('"emoji":true');
  expect([message.args.get("mrkdwn"), message.args.get("parse"), message.args.get("link_names")]).toEqual([
    "false",
    "none",
    "false",
  ]);
});

test.each<[string, Json, boolean]>([
  ["a call of 8,000 characters", { note: "x".repeat(8_000) }, true],
  ["one of 20,000", { note: "x".repeat(20_000) }, false],
  ["one of 1 MB", { note: "x".repeat(1_000_000) }, false],
  ["one that is short and long once it is escaped", { note: "\u202e".repeat(2_000) }, false],
  ["one of letters that take more room than it seems", { note: "ä".repeat(3_000) }, false],
  ["one of many slashes", { note: "/".repeat(6_500) }, false],
  ["one of pairs that must not be torn apart", { note: "\u{1f600}".repeat(750) }, true],
])("%s", async (_name, params, isWhole) => {
  const message = await posted(openedMessage(notice(params)));
  expect(callIn(message) === null).toBe(!isWhole);
  const answers = ["countersign_approve", "countersign_deny"];
  expect(buttonsIn(message)).toEqual([...(isWhole ? answers : []), "countersign_open"]);
  if (isWhole) expect(JSON.parse(callIn(message) ?? "").params).toEqual(params);
  else expect(textsOf(message)).toContain("too long to be shown here whole");
});

test("no size lies between what fits and what does not", async () => {
  for (let length = 8_500; length < 11_500; length += 97) {
    const message = await posted(openedMessage(notice({ note: "y".repeat(length) })));
    const whole = callIn(message)?.includes("y".repeat(length)) ?? false;
    expect([length, whole]).toEqual([length, buttonsIn(message).includes("countersign_approve")]);
  }
});

test("facts that are too long are left out with the buttons", async () => {
  const violations = Array.from({ length: 300 }, (_, i) => ({ rule: "r", message: `why ${i} ${"z".repeat(100)}` }));
  const message = await posted(openedMessage(notice({}, { violations })));
  expect(buttonsIn(message)).toEqual(["countersign_open"]);
  expect(textsOf(message)).toContain("too long");
});

test("what became of a long one with long comments fits", async () => {
  const decisions = Array.from({ length: 20 }, (_, i) => ({
    approver: `person-${i}@example.com`,
    decision: "approve" as const,
    comment: "<!channel> ".repeat(180),
    at: "2026-03-01T14:22:00.000Z",
  }));
  const approval = notice({ note: "x".repeat(20_000) }, { status: "approved", decisions }).approval;
  const message = await posted(closedMessage({ approval, url: page(id) }));
  expect(message.blocks[0]).toMatchObject({ text: { text: "Approved" } });
  expect(buttonsIn(message)).toEqual([]);
});

test.each([
  ["approved", "approve", "Approved"],
  ["denied", "deny", "Denied"],
  ["denied", "revoke", "Revoked"],
  ["consumed", "approve", "Approved and used"],
] as const)("%s by %s is called %s", (status, decision, title) => {
  const decisions = [{ approver: "bob@example.com", decision, at: "2026-03-01T14:22:00.000Z" }];
  const { approval } = notice({}, { status, decisions });
  expect(closedMessage({ approval, url: page(id) }).blocks[0]).toMatchObject({ text: { text: title } });
});

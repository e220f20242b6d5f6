import { shownDigest } from "../../src/approvals/proof.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { call } from "../http/fixture.js";
import { attempt, buttonsIn, callIn, page, type SlackWorld, slackWorld, textsOf } from "./slack_fixture.js";

let here: SlackWorld;
beforeEach(async () => {
  here = await slackWorld();
});
afterEach(() => here.close());

const all = ["countersign_approve", "countersign_deny", "countersign_open"];
const stored = (id: string) => here.made.here.stored(id);

test("from the question to the token", async () => {
  const { id, message } = await here.open();
  const texts = textsOf(message);
  for (const fact of ["allowed_environments", "production", "2.5", "suspect", "2 anomalies", "pii", "1 approved"]) {
    expect(texts).toContain(fact);
  }
  expect(JSON.parse(callIn(message) ?? "")).toEqual((await stored(id)).call);
  expect(buttonsIn(message)).toEqual(all);
  expect(message.text).toBe(`Approval needed: agent deploy-manager asks, ${id}`);
  expect(message.args.get("unfurl_links")).toBe("false");

  expect(await here.click(message, "approve", { user: "U0BOB", comment: "go" })).toBe(200);
  expect(await stored(id)).toMatchObject({
    status: "approved",
    answers: [{ approver: "bob@example.com", decision: "approve", comment: "go" }],
  });
  expect(here.made.here.records.outcomes()).toEqual(["bob@example.com approve approved"]);
  const agent = await here.made.agent("deploy-manager");
  const shown = await here.made.send({ url: `/v1/approvals/${id}`, headers: agent });
  expect(shown.json().override_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);

  await here.tell("approval.closed", id);
  expect(here.slack.messages).toHaveLength(1);
  expect(message.edited).toBe(true);
  expect(buttonsIn(message)).toEqual([]);
  expect(textsOf(message)).toContain("Approved by: bob@example.com, 2026-03-01T14:22:00.000Z: go");
  expect(JSON.stringify(message.blocks)).toContain(page(id));
  expect(here.slack.whispers).toEqual([]);
});

test("the rest of the body is shown, and without it nobody approves here", async () => {
  const { id, message } = await here.open({ body: { namespace: "kube-system" } });
  expect(JSON.parse(callIn(message) ?? "")).toMatchObject({ body: { namespace: "kube-system" } });
  expect(JSON.parse(callIn(message) ?? "")).toEqual((await stored(id)).call);
  expect(buttonsIn(message)).toEqual(all);
  const unread = await here.open({ body: null });
  expect(textsOf(unread.message)).toContain("Body: was not read: what is in it is not shown");
  expect(buttonsIn(unread.message)).toEqual(["countersign_deny", "countersign_open"]);
  expect(await here.click(unread.message, "deny", { user: "U0BOB" })).toBe(200);
  expect((await stored(unread.id)).status).toBe("denied");
});

test("a denial", async () => {
  const { id, message } = await here.open();
  expect(await here.click(message, "deny", { user: "U0CAROL" })).toBe(200);
  expect(await stored(id)).toMatchObject({ status: "denied", answers: [{ approver: "carol@example.com" }] });
  await here.tell("approval.closed", id);
  expect(message.blocks[0]).toMatchObject({ text: { text: "Denied" } });
});

test("what else the agent did is not looked at while Slack waits", async () => {
  const { id, message } = await here.open();
  const { store } = here.made.here;
  store.approvals = store.look = async () => {
    throw new StoreUnavailable("not asked for");
  };
  expect(await here.click(message, "approve", { user: "U0BOB" })).toBe(200);
  expect((await stored(id)).status).toBe("approved");
});

test("a quorum of two people", async () => {
  const { id, message } = await here.open({ quorum: 2 });
  await here.click(message, "approve", { user: "U0BOB" });
  await here.click(message, "approve", { user: "U0BOB" });
  expect((await stored(id)).status).toBe("pending");
  expect(here.slack.whispers.map(({ user, text }) => [user, text])).toEqual([
    ["U0BOB", "Your approval is recorded: 1 of 2. Further people have to approve."],
    ["U0BOB", "This is decided already, or you have answered it before. Your answer changes nothing."],
  ]);
  await here.click(message, "approve", { user: "U0CAROL" });
  expect((await stored(id)).status).toBe("approved");
  await here.tell("approval.closed", id);
  expect(textsOf(message)).toMatch(/Approved by: bob@.*Approved by: carol@/s);
});

test.each<[string, string, object, RegExp]>([
  ["who started the session", "U0ALICE", {}, /^You started this session, so you cannot approve it\./],
  ["who is no approver", "U0VIEW", {}, /^You are not an approver/],
  ["who is in none of the groups", "U0BOB", { approvers: [["leads"]] }, /only members of leads answer/],
  ["who is nobody in people.yaml", "U0NOBODY", {}, /Your Slack id is U0NOBODY: .* `aliases`/],
])("%s is told why", async (_who, user, more, why) => {
  const { id, message } = await here.open(more);
  expect(await here.click(message, "approve", { user })).toBe(200);
  expect(await stored(id)).toMatchObject({ status: "pending", answers: [] });
  expect(here.slack.whispers).toEqual([{ channel: message.channel, user, text: expect.stringMatching(why) }]);
  expect(buttonsIn(message)).toEqual(all);
});

test("a click on what is over puts the message right", async () => {
  const { id, message } = await here.open();
  here.made.here.nowMs += 900_000;
  await here.click(message, "approve", { user: "U0BOB" });
  expect(here.slack.whispers[0]?.text).toBe("The approval has expired.");
  expect((await stored(id)).answers).toEqual([]);
  expect([message.blocks[0], buttonsIn(message)]).toMatchObject([{ text: { text: "Expired" } }, []]);
});

test("a comment with characters that cannot be seen does not count, nor does the answer", async () => {
  const { id, message } = await here.open();
  await here.click(message, "approve", { user: "U0BOB", comment: "ok\u202e" });
  expect((await stored(id)).answers).toEqual([]);
  expect(here.slack.whispers[0]?.text).toContain("without control or invisible characters");
});

test("an answer of which nobody knows whether it counts is not said to count or not", async () => {
  const { id, message } = await here.open();
  here.made.here.store.answer = async () => {
    throw new StoreUnavailable("no answer from 10.0.0.7");
  };
  expect(await here.click(message, "approve", { user: "U0BOB" })).toBe(200);
  const [{ text } = { text: "" }] = here.slack.whispers;
  expect(text).toMatch(/^It is not known whether your answer counts\. Look at the approval on its page/);
  expect(text).not.toContain("does not count");
  expect((await stored(id)).answers).toEqual([]);
});

test("the link is no answer", async () => {
  const { id, message } = await here.open();
  expect(await here.click(message, "open", { user: "U0BOB" })).toBe(200);
  expect([(await stored(id)).status, here.slack.whispers]).toEqual(["pending", []]);
});

describe("an answer counts only for what was shown", () => {
  test("not with the digest of another request", async () => {
    const { id, message } = await here.open();
    const other = shownDigest({ ...(await stored(id)), call: { tool: "other" } });
    const value = JSON.stringify({ id, shown: other });
    const change = (payload: Record<string, unknown>) => ({
      ...payload,
      actions: (payload.actions as object[]).map((action) => ({ ...action, value })),
    });
    await here.click(message, "approve", { user: "U0BOB", change });
    expect((await stored(id)).answers).toEqual([]);
    expect(here.slack.whispers[0]?.text).toContain("not the one that belongs to the approval");
  });

  test("not from another message of the same app", async () => {
    const { id, message } = await here.open();
    const copy = { ...message, ts: "1.000001" };
    here.slack.messages.push(copy);
    await here.click(copy, "approve", { user: "U0BOB" });
    expect((await stored(id)).answers).toEqual([]);
    expect(here.slack.whispers[0]?.text).toContain("not the one that belongs to the approval");
  });
});

describe("one message for each approval", () => {
  test("also when it is told twice", async () => {
    const { id } = await here.open();
    await here.tell("approval.opened", id);
    expect(here.slack.messages).toHaveLength(1);
  });

  test("also when the store fails after it was posted", async () => {
    const { store } = here.made.here;
    const { mark } = store;
    store.mark = async () => {
      throw new Error("away");
    };
    const id = await here.made.here.open();
    await expect(here.tell("approval.opened", id)).rejects.toThrow("away");
    store.mark = mark;
    await here.tell("approval.opened", id);
    expect(here.slack.messages).toHaveLength(1);
    expect(here.slack.calls).toEqual(["chat.postMessage"]);
  });

  test("none for one that was over before", async () => {
    const id = await here.made.here.open();
    await here.made.here.service.answer(id, here.made.here.registry.person("bob@example.com") as never, {
      decision: "deny",
    });
    await here.tell("approval.opened", id);
    await here.tell("approval.closed", id);
    expect(here.slack.calls).toEqual([]);
  });

  test("none stays that was posted while somebody answered elsewhere", async () => {
    const { store, service, registry } = here.made.here;
    const id = await here.made.here.open();
    const { mark } = store;
    store.mark = async (of, name, value) => {
      store.mark = mark;
      await service.answer(id, registry.person("bob@example.com") as never, { decision: "deny" });
      await here.tell("approval.closed", id);
      return mark(of, name, value);
    };
    await here.tell("approval.opened", id);
    expect(here.slack.calls).toEqual(["chat.postMessage", "chat.delete"]);
    expect(here.slack.messages).toEqual([]);
  });
});

test("an escalation is a reply that the channel sees", async () => {
  const { id, message } = await here.open({
    approvers: [["leads"]],
    escalation: { afterMs: 60_000, to: ["sre"], approvers: [["leads", "sre"]] },
  });
  await here.tell("approval.escalated", id);
  expect(here.slack.messages.at(-1)).toMatchObject({ threadTs: message.ts, broadcast: true });
  expect(textsOf(here.slack.messages.at(-1) ?? message)).toContain("Members of sre may answer now as well");
  await here.click(message, "approve", { user: "U0BOB" });
  expect((await stored(id)).answers).toEqual([]);
  here.made.here.nowMs += 60_000;
  await here.click(message, "approve", { user: "U0BOB" });
  expect((await stored(id)).status).toBe("approved");
});

test("budgets and counters are told in a sentence", async () => {
  const at = "2026-03-01T14:22:00.000Z";
  await here.notifier.send(
    {
      ...{ kind: "budget.warning", at, agent_id: "a", session_id: "<!channel>", limit: "session_budget" },
      ...{ mode: "enforce", percent: 80, refused: false, used: 8, most: 10 },
    } as const,
    attempt("evt_1"),
  );
  await here.notifier.send({ kind: "counters.lost", at, agent_id: "a" }, attempt("evt_2"));
  expect(here.slack.messages.map(({ text }) => text)).toEqual([
    "80 % of the session's budget are used by session &lt;!channel&gt; of agent a: 8 of 10",
    "The store has lost counters of agent a; limits go on from what is known here",
  ]);
});

test("what is told holds no header of the call", async () => {
  const { message } = await here.open();
  expect(call.http.headers).toEqual([{ name: "authorization", value: "Bearer secret" }]);
  expect(JSON.stringify(message)).not.toContain("secret");
});

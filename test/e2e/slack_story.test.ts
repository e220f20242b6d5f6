import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { deploy } from "../demo/steps.js";
import { send } from "../harness/http.js";
import { describeWith } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import { type SeenMessage, type SlackStandIn, slackIds, slackSecrets, startSlack } from "../harness/slack_stand_in.js";
import type { Stack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { buttonsIn, callIn, textsOf } from "../notify/slack_fixture.js";
import { findParts, oneStack, payload } from "./suite.js";

const parts = await findParts();
const alice = { user: "U0ALICE", comment: "release 42" };
/** Room for a notice that is tried again later and later. */
const patientMs = 50_000;

describeWith(parts, "an approval over Slack, with the real server, Envoy and Redis", (use) => {
  let slack: SlackStandIn;
  let stack: Stack;
  beforeAll(async () => {
    slack = await startSlack();
  });
  oneStack(
    use,
    (running) => {
      stack = running;
    },
    (folder) => joinSlack(folder, slack.apiUrl),
  );
  afterAll(() => slack.close());

  const endpoint = () => `${stack.api}/v1/integrations/slack/interactions`;
  const metrics = async () => (await stack.ask(stack.people.viewer, "/metrics")).body;
  const asks = async (more: object = {}) => {
    const body = payload(await stack.call("deploy-manager", deploy("production", more)));
    expect(body).toMatchObject({ status: 403, error: "ApprovalNeeded", reason: "approval_needed" });
    return body.approval as { id: string; status_url: string };
  };
  /** The message about an approval, once it is there. */
  const messageOf = (id: string): Promise<SeenMessage> =>
    until(() => slack.messages.find(({ text }) => text.endsWith(id)), {
      what: `the message about ${id}`,
      timeoutMs: patientMs,
    });

  describe("a deploy to production", () => {
    let approval: { id: string; status_url: string };
    let message: SeenMessage;
    let override: string;

    test("is refused, and one message shows the exact call", async () => {
      approval = await asks();
      message = await messageOf(approval.id);
      expect(await asks()).toMatchObject({ id: approval.id });

      const asked = await stack.ask(stack.people.approver, `/v1/approvals/${approval.id}`);
      const shown = JSON.parse(callIn(message) ?? "");
      expect(shown).toEqual(JSON.parse(asked.body).call);
      const { replicas, ...params } = deploy("production").json as Record<string, unknown>;
      expect(JSON.stringify(shown)).toContain(String(params.image));
      expect(shown).toMatchObject({
        tool: "deploy-api",
        action: "deploy",
        environment: "production",
        params: { replicas },
      });
      expect(buttonsIn(message)).toEqual(["countersign_approve", "countersign_deny", "countersign_open"]);
      expect(JSON.stringify(message.blocks)).toContain(`"${stack.api}/approvals/${approval.id}"`);
      expect(stack.tool.requests).toEqual([]);
    });

    test("is approved by a click, and the agent that waits at the address it was told gets its token", async () => {
      expect(approval.status_url.startsWith(`${stack.api}/`)).toBe(true);
      const headers = { authorization: `Bearer ${await stack.token("deploy-manager")}` };
      const waiting = send(`${approval.status_url}?wait=30s`, { headers, timeoutMs: 40_000 });
      const clicked = await slack.click(endpoint(), message.ts, "countersign_approve", alice);
      expect([clicked.status, clicked.body]).toEqual([200, ""]);
      const told = JSON.parse((await waiting).body);
      expect(told).toMatchObject({
        id: approval.id,
        status: "approved",
        decisions: [{ approver: "alice@example.com", decision: "approve", comment: "release 42" }],
      });
      override = told.override_token;
      expect(override).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    });

    test("passes once with it", async () => {
      const call = { ...deploy("production"), headers: { "x-countersign-override": override } };
      expect((await stack.call("deploy-manager", call)).status).toBe(200);
      expect(payload(await stack.call("deploy-manager", call))).toMatchObject({ status: 403, reason: "override_used" });
      expect(stack.tool.requests).toHaveLength(1);
    });

    test("ends in the same message, without buttons", async () => {
      await until(() => message.edited && textsOf(message).startsWith("Approved and used"), {
        what: "the message to say that the call was approved and let through",
        timeoutMs: patientMs,
      });
      expect(textsOf(message)).toContain("Approved by: alice@example.com");
      expect(textsOf(message)).toContain("release 42");
      expect(buttonsIn(message)).toEqual([]);
      expect(slack.messages).toHaveLength(1);
      expect(slack.whispers).toEqual([]);
      expect(JSON.stringify(message)).not.toContain(override);
    });

    test("is counted, and recorded as Alice's answer", async () => {
      // The message is there before the server knows that it was taken.
      for (const kind of ["approval.opened", "approval.closed"]) {
        await until(async () => counted(await metrics(), kind, "sent") > 0, { what: `${kind} to be counted` });
      }
      expect(await metrics()).not.toContain('result="retried"');
      const trail = await auditRecords(join(stack.folder, "var", "audit"));
      expect(trail.filter(({ kind }) => kind === "approval")).toEqual([
        expect.objectContaining({ approval_id: approval.id, approver: "alice@example.com", outcome: "approved" }),
      ]);
    });
  });

  test("a click of somebody else's making answers nothing", async () => {
    const { id } = await asks({ replicas: 7 });
    const { ts } = await messageOf(id);
    const { headers, body } = slack.clicked(ts, "countersign_approve", alice);
    const forged = { ...headers, "x-slack-signature": `v0=${"0".repeat(64)}` };
    expect((await send(endpoint(), { method: "POST", headers: forged, body })).status).toBe(401);
    expect((await slack.click(endpoint(), ts, "countersign_approve", { ...alice, team: "T0OTHER" })).status).toBe(403);
    const shown = JSON.parse((await stack.ask(stack.people.approver, `/v1/approvals/${id}`)).body);
    expect(shown).toMatchObject({ status: "pending", decisions: [] });
  });

  test("while Slack fails, calls are answered, operators see it, and the message comes when it works again", async () => {
    slack.fail(...Array.from({ length: 1_000 }, () => ({ status: 500 })));
    const { id } = await asks({ replicas: 8 });
    const seen = await until(
      async () => {
        const { body } = await stack.ask(stack.people.viewer, "/readyz");
        const { notifications } = JSON.parse(body).state;
        return notifications !== "ok" && notifications;
      },
      { what: "the trouble with Slack in /readyz", timeoutMs: patientMs },
    );
    expect(seen).toMatch(/^slack: \d+ waiting, last error at .*: Slack answers with status 500$/);
    expect(seen).not.toContain(slackSecrets.token);
    await until(async () => counted(await metrics(), "approval.opened", "retried") > 0, {
      what: "the tries to be counted",
      timeoutMs: patientMs,
    });
    expect(slack.messages.some(({ text }) => text.endsWith(id))).toBe(false);
    expect((await stack.call("deploy-manager", deploy("staging"))).status).toBe(200);

    slack.heal();
    expect(JSON.parse(callIn(await messageOf(id)) ?? "")).toMatchObject({ params: { replicas: 8 } });
    await until(
      async () => JSON.parse((await stack.ask(stack.people.viewer, "/readyz")).body).state.notifications === "ok",
      {
        what: "/readyz without trouble",
        timeoutMs: patientMs,
      },
    );
  });
});

/** How often Slack was told of something with this result. */
function counted(text: string, kind: string, result: string): number {
  const start = `countersign_notifications_total{notifier="slack",kind="${kind}",result="${result}"} `;
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(start))
      ?.slice(start.length) ?? 0,
  );
}

/** Makes Slack one of the places where people answer, and Alice one of its users. */
async function joinSlack(folder: string, apiUrl: string): Promise<void> {
  const secrets = {
    bot_token_file: ["slack-bot-token", slackSecrets.token],
    signing_secret_file: ["slack-signing-secret", slackSecrets.signing],
  } as const;
  await change(join(folder, "countersign.yaml"), ["approvals", "slack"], {
    channel: slackIds.channel,
    team_id: slackIds.team,
    api_url: apiUrl,
    ...Object.fromEntries(Object.entries(secrets).map(([key, [name]]) => [key, `./var/${name}`])),
  });
  for (const [name, secret] of Object.values(secrets)) await writeFile(join(folder, "var", name), `${secret}\n`);
  await change(join(folder, "people.yaml"), ["people", 0, "aliases"], [alice.user]);
}

async function change(file: string, place: (string | number)[], value: unknown): Promise<void> {
  const document = parseDocument(await readFile(file, "utf8"));
  document.setIn(place, document.createNode(value));
  await writeFile(file, document.toString());
}

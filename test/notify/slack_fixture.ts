import type { Risk } from "../../src/approvals/risk.js";
import type { ApprovalView } from "../../src/approvals/view.js";
import type { ApprovalNotice } from "../../src/notify/notice.js";
import type { Notifier } from "../../src/notify/notifier.js";
import { slackNotifier } from "../../src/notify/slack.js";
import { slackClient } from "../../src/notify/slack_client.js";
import { slackInteractions } from "../../src/notify/slack_interactions.js";
import { loadRegistry } from "../../src/registry/load.js";
import { type SeenMessage, type SlackStandIn, slackIds, slackSecrets, startSlack } from "../harness/slack_stand_in.js";
import { type Api, api } from "../http/fixture.js";

const people = `people:
  - {id: alice@example.com, aliases: [alice, U0ALICE], access: [approver]}
  - {id: bob@example.com, aliases: [U0BOB], access: [approver], groups: [sre]}
  - {id: carol@example.com, aliases: [U0CAROL], access: [approver], groups: [leads]}
  - {id: view@example.com, aliases: [U0VIEW], access: [viewer]}
`;

const slackRegistry = loadRegistry({
  agents: { file: "agents.yaml", text: 'agents: [{id: deploy-manager, scopes: ["*:*"]}]' },
  people: { file: "people.yaml", text: people },
});

export const risk: Risk = {
  rules: ["allowed_environments"],
  environment: "production",
  cost: 2.5,
  session: { id: "abc-123", integrity: "suspect", anomalies: 2, data_classification: ["pii"], calls: 7, refused: 1 },
  history: {
    looked: 3,
    approved: 1,
    denied: 1,
    expired: 1,
    pending: 0,
    same_action: { approved: 1, denied: 0, last_at: "2026-02-28T10:00:00.000Z" },
  },
};

export const page = (id: string) => `http://127.0.0.1:9192/approvals/${id}`;
export const attempt = (id: string) => ({ id, signal: new AbortController().signal });

export interface SlackWorld {
  made: Api;
  slack: SlackStandIn;
  notifier: Notifier;
  endpoint: string;
  /** Tells Slack of an approval as it is. */
  tell(kind: ApprovalNotice["kind"], id: string): Promise<void>;
  /** Opens an approval, tells of it, and gives its message. */
  open(more?: Parameters<Api["here"]["open"]>[0]): Promise<{ id: string; message: SeenMessage }>;
  /** Somebody clicks, and everything that follows from that is over. */
  click(
    message: SeenMessage,
    button: "approve" | "deny" | "open",
    click: Parameters<SlackStandIn["click"]>[3],
  ): Promise<number>;
  close(): Promise<void>;
}

/** The HTTP API and the notifier, joined by a Slack on loopback. */
export async function slackWorld({ team = slackIds.team }: { team?: string | null } = {}): Promise<SlackWorld> {
  const slack = await startSlack(() => made.here.nowMs);
  const client = slackClient({ token: slackSecrets.token, apiUrl: slack.apiUrl });
  const warned: Api["warned"] = [];
  const interactions = slackInteractions({
    approvals: {
      answer: (...asked) => made.here.service.answer(...asked),
      show: (...asked) => made.here.service.show(...asked),
    },
    store: {
      approval: (...asked) => made.here.store.approval(...asked),
      marked: (...asked) => made.here.store.marked(...asked),
      once: (...asked) => made.here.store.once(...asked),
    },
    registry: () => slackRegistry,
    runtime: { now: () => made.here.nowMs },
    pageUrl: page,
    log: { warn: (details, message) => warned.push({ details, message }) },
    client,
    secret: slackSecrets.signing,
    team,
  });
  const made: Api = await api({ slack: interactions });
  made.here.registry = slackRegistry;
  const notifier = slackNotifier({ client, store: made.here.store, channel: slackIds.channel });
  const endpoint = `http://${made.host}:${made.port}/v1/integrations/slack/interactions`;

  const view = async (id: string): Promise<ApprovalView> => {
    const person = slackRegistry.person("bob@example.com");
    const found = person && (await made.here.service.show(id, { kind: "person", person }));
    if (!found) throw new Error(`no approval ${id}`);
    return found;
  };
  const tell: SlackWorld["tell"] = async (kind, id) =>
    notifier.send({ kind, approval: await view(id), risk, url: page(id) }, attempt(`${id}-${kind}`));

  return {
    made: { ...made, warned },
    slack,
    notifier,
    endpoint,
    tell,
    async open(more) {
      const id = await made.here.open(more);
      await tell("approval.opened", id);
      const message = slack.messages.at(-1);
      if (!message) throw new Error("nothing was posted");
      return { id, message };
    },
    async click(message, button, click) {
      const { status } = await slack.click(endpoint, message.ts, `countersign_${button}`, click);
      await interactions.idle();
      return status;
    },
    async close() {
      await made.app.close();
      await slack.close();
    },
  };
}

/** Every text that people can read in a message. */
export function textsOf(message: Pick<SeenMessage, "blocks">): string {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      if (name === "text" && typeof member === "string") found.push(member);
      else walk(member);
    }
  };
  walk(message.blocks);
  return found.join("");
}

/** What stands in the box. */
export function callIn({ blocks }: Pick<SeenMessage, "blocks">): string | null {
  const [box] = blocks.flatMap((block) =>
    block.type === "rich_text" ? block.elements.filter(({ type }) => type === "rich_text_preformatted") : [],
  );
  return box ? box.elements.map((part) => ("text" in part ? part.text : "")).join("") : null;
}

export function buttonsIn({ blocks }: Pick<SeenMessage, "blocks">): (string | undefined)[] {
  return blocks.flatMap((block) => (block.type === "actions" ? block.elements.map(({ action_id }) => action_id) : []));
}

import { slackInteractions } from "../../src/notify/slack_interactions.js";
import { systemRuntime } from "../../src/runtime.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { registry } from "../approvals/fixture.js";
import { signedBySlack, slackIds, slackSecrets } from "../harness/slack_stand_in.js";
import type { Headers, Open } from "./scene.js";

const route = "POST /v1/integrations/slack/interactions";
/** Requests that are signed as Slack signs them, to a server that knows Slack. */
export async function slackClicks(open: Open): Promise<void> {
  const slack = slackInteractions({
    ...{ approvals: { show: async () => null, answer: refuse }, registry: () => registry, pageUrl: String },
    ...{ runtime: systemRuntime, log: { warn: () => undefined }, secret: slackSecrets.signing, team: slackIds.team },
    store: { approval: async () => null, marked: async () => null, once: async () => !away },
    client: { post: refuse, reply: refuse, update: refuse, remove: refuse, whisper: refuse },
  });
  let away = false;
  const store = async () => {
    if (away) throw new StoreUnavailable("no answer from 10.0.0.7 in 100ms");
    return slack;
  };
  const isNew: typeof slack.isNew = async (...asked) => (await store()).isNew(...asked);
  const { send } = await open({ slack: { ...slack, isNew } });
  const click = (team: string) =>
    JSON.stringify({
      ...{ type: "block_actions", api_app_id: "A0STANDIN", team: { id: team }, user: { id: "U0NOBODY" } },
      container: { type: "message", channel_id: "C0APPROVALS", message_ts: "1.000001" },
      actions: [{ type: "button", action_id: "countersign_open" }],
    });
  const signed = async (about: string, payload: string, headers: Headers = {}) => {
    const request = signedBySlack(payload, Date.now());
    await send(route, about, { payload, headers: { ...(request.headers as Headers), ...headers } });
  };
  const body = (text: string) => new URLSearchParams({ payload: text }).toString();
  await signed("a click", body(click(slackIds.team)));
  await signed("another workspace", body(click("T0OTHER")));
  await signed("no click", body("{}"));
  await signed("JSON", "{}", { "content-type": "application/json" });
  await signed("too large", body("x".repeat(300_000)));
  await signed("another signature", body("{}"), { "x-slack-signature": `v0=${"0".repeat(64)}` });
  away = true;
  await signed("no store", body(click(slackIds.team)));
}

async function refuse(): Promise<never> {
  throw new Error("not asked for");
}

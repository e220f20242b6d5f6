import type { Store } from "../store/store.js";
import type { ApprovalNotice, Notice } from "./notice.js";
import type { Attempt, Notifier } from "./notifier.js";
import { type Posted, type SlackClient, slackClient } from "./slack_client.js";
import { closedMessage, escalatedMessage, openedMessage, shortMessage } from "./slack_messages.js";
import { isTooLate, notePlace, noteTooLate, placeOf, samePlace } from "./slack_place.js";
import { botToken, type SlackConfig } from "./slack_settings.js";

/** Messages that are posted and not noted yet; more than that only while the store fails. */
const maxUnnoted = 1000;

interface SlackDeps {
  client: SlackClient;
  store: Pick<Store, "mark" | "marked">;
  /** Id of the channel. */
  channel: string;
}

/** `null` when it is not configured. Throws an `Error` for the operator about a file that cannot be used. */
export async function openSlack(slack: SlackConfig | undefined, store: SlackDeps["store"]): Promise<Notifier | null> {
  if (!slack) return null;
  const client = slackClient({ token: await botToken(slack), apiUrl: slack.api_url });
  return slackNotifier({ client, store, channel: slack.channel });
}

/** Tells a channel of approvals, with buttons that answer. There is one message for each, and it always says how it stands. */
export function slackNotifier({ client, store, channel }: SlackDeps): Notifier {
  /** By attempt: so that trying again after the store failed is not a second message. */
  const unnoted = new Map<string, Posted>();

  async function open(notice: ApprovalNotice, { id, signal }: Attempt): Promise<void> {
    // Nobody can answer it any more.
    if (notice.approval.status !== "pending") return;
    const of = nameOf(notice);
    if (await placeOf(store, of)) return;
    const posted = unnoted.get(id) ?? (await client.post(channel, openedMessage(notice), signal));
    if (unnoted.size < maxUnnoted) unnoted.set(id, posted);
    const place = await notePlace(store, of, posted);
    unnoted.delete(id);
    // Of two messages, only the buttons of the one that is noted count.
    const isOther = place !== null && !samePlace(place, posted);
    if (isOther || (await isTooLate(store, of))) await client.remove(posted, signal);
  }

  async function escalate(notice: ApprovalNotice, attempt: Attempt): Promise<void> {
    if (notice.approval.status !== "pending") return;
    const place = await placeOf(store, nameOf(notice));
    if (place) await client.reply(place, escalatedMessage(notice), attempt.signal);
    else await open(notice, attempt);
  }

  async function close(notice: ApprovalNotice, { signal }: Attempt): Promise<void> {
    const of = nameOf(notice);
    const early = await placeOf(store, of);
    // Whoever is posting it right now sees the one or is seen by the other.
    if (!early) await noteTooLate(store, of);
    const place = early ?? (await placeOf(store, of));
    if (place) await client.update(place, closedMessage(notice), signal);
  }

  return {
    name: "slack",
    async send(notice: Notice, attempt: Attempt) {
      switch (notice.kind) {
        case "approval.opened":
          return open(notice as ApprovalNotice, attempt);
        case "approval.escalated":
          return escalate(notice as ApprovalNotice, attempt);
        case "approval.closed":
          return close(notice as ApprovalNotice, attempt);
        case "budget.warning":
        case "counters.lost":
          await client.post(channel, shortMessage(notice), attempt.signal);
          return;
        default:
          return notice satisfies never;
      }
    },
  };
}

function nameOf({ approval }: ApprovalNotice): { id: string; agent: string } {
  return { id: approval.id, agent: approval.requested_by.agent };
}

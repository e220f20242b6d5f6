import { ApprovalError, type ApprovalErrorCode } from "../approvals/error.js";
import type { ApprovalsService } from "../approvals/service.js";
import type { ApprovalView } from "../approvals/view.js";
import { AuditUnavailable } from "../audit/record.js";
import type { Header } from "../call.js";
import { sha256Hex } from "../canonical.js";
import type { Person, Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import { type Store, StoreUnavailable } from "../store/store.js";
import { type SlackClient, slackClient } from "./slack_client.js";
import { closedMessage, toldMessage } from "./slack_messages.js";
import { readClick, type SlackClick } from "./slack_payload.js";
import { placeOf, samePlace } from "./slack_place.js";
import { botToken, type SlackConfig, signingSecret } from "./slack_settings.js";
import { isSigned, replayMs, type SlackSignature, signatureOf } from "./slack_signature.js";

/** Where what people need not know goes. A pino logger is one. */
interface SlackLog {
  warn(details: object, message: string): void;
}

export interface InteractionDeps {
  approvals: Pick<ApprovalsService, "answer" | "show">;
  store: Pick<Store, "approval" | "marked" | "once">;
  registry: () => Registry;
  runtime: Pick<Runtime, "now">;
  /** Address of an approval's page. */
  pageUrl: (approvalId: string) => string;
  log: SlackLog;
}

/** Clicks on the buttons of our messages, as Slack tells of them. */
export interface SlackInteractions {
  /** Before the body is read: `null` when these cannot be the headers of a request that is sent now. */
  signature(headers: readonly Header[]): SlackSignature | null;
  /** True for a request that Slack signed and that never came before. Throws `StoreUnavailable`. */
  isNew(signature: SlackSignature, body: Uint8Array): Promise<boolean>;
  /**
   * Takes the answer. A refused one is no error: the person is told why. Throws `StoreUnavailable` and `AuditUnavailable`
   * when it does not count.
   */
  take(body: Uint8Array): Promise<"taken" | "malformed" | "foreign">;
  /** Resolves when nobody is being told anything. */
  idle(): Promise<void>;
}

/** `null` when Slack is not configured. Throws an `Error` for the operator about a file that cannot be used. */
export async function openInteractions(
  slack: SlackConfig | undefined,
  deps: InteractionDeps,
): Promise<SlackInteractions | null> {
  if (!slack) return null;
  const client = slackClient({ token: await botToken(slack), apiUrl: slack.api_url });
  return slackInteractions({ ...deps, client, secret: await signingSecret(slack), team: slack.team_id ?? null });
}

export function slackInteractions(
  deps: InteractionDeps & { client: SlackClient; secret: string; team: string | null },
): SlackInteractions {
  const { store, registry, runtime, log, client, secret, team } = deps;
  const telling = new Set<Promise<void>>();

  /** Slack waits 3 seconds for its answer, and none of this is part of that. */
  function later(task: Promise<void>): void {
    const told = task
      .catch((error) => log.warn({ error: error instanceof Error ? error.message : "" }, "Slack: nobody was told"))
      .finally(() => telling.delete(told));
    telling.add(told);
  }
  const tell = ({ channel, user }: SlackClick, words: string) =>
    later(client.whisper({ channel, user }, toldMessage(words)));

  async function answer(click: SlackClick): Promise<void> {
    if (click.answer === null) return;
    const person = registry().personNamed(click.user);
    if (!person) {
      log.warn({ slack_user: click.user, app: click.app }, "Slack: somebody answers who is nobody in people.yaml");
      return tell(click, unknown(click.user));
    }
    try {
      const view = await decide(deps, click, person);
      if (view.status === "pending") tell(click, recorded(view));
    } catch (error) {
      tell(click, wordsFor(error));
      if (!(error instanceof ApprovalError)) throw error;
      later(refresh(deps, click, person));
    }
  }

  return {
    signature: (headers) => signatureOf(headers, runtime.now()),
    async isNew(signature, body) {
      return isSigned(secret, signature, body) && store.once(`slack:${sha256Hex(signature.signature)}`, replayMs);
    },
    async take(body) {
      const click = readClick(body);
      if (!click) return "malformed";
      if (team !== null && click.team !== team) {
        log.warn({ team: click.team, app: click.app }, "Slack: an answer from another workspace is refused");
        return "foreign";
      }
      await answer(click);
      return "taken";
    },
    idle: async () => void (await Promise.all(telling)),
  };
}

/**
 * The same way as everywhere else. Only the message that we posted is believed: another one of the same app could show
 * something else over the same buttons. Who may answer, and whether the approval is the one that was opened, is looked at
 * with the answer.
 */
async function decide({ approvals, store }: InteractionDeps, click: SlackClick, person: Person): Promise<ApprovalView> {
  if (click.answer === null) throw new Error("a click without an answer");
  const { id, ...request } = click.answer;
  const approval = await store.approval(id);
  if (!approval) throw new ApprovalError("not_found");
  const place = await placeOf(store, approval);
  if (!samePlace(place, click)) throw new ApprovalError("not_as_shown");
  return approvals.answer(id, person, request);
}

/** Puts the message right when it still asks for what is over. */
async function refresh(
  { approvals, store, client, pageUrl }: InteractionDeps & { client: SlackClient },
  click: SlackClick,
  person: Person,
): Promise<void> {
  const id = click.answer?.id ?? "";
  const approval = await approvals.show(id, { kind: "person", person });
  if (!approval || approval.status === "pending") return;
  const place = await placeOf(store, { id, agent: approval.requested_by.agent });
  if (samePlace(place, click)) await client.update(click, closedMessage({ approval, url: pageUrl(id) }));
}

function wordsFor(error: unknown): string {
  if (error instanceof ApprovalError) return words[error.code](error);
  if (error instanceof AuditUnavailable)
    return "Your answer could not be recorded, so it does not count. Try again, or answer on the page.";
  // Before an answer is begun: one that was, has a code of its own.
  if (error instanceof StoreUnavailable)
    return "The store cannot be reached, so your answer was not taken. Try again, or answer on the page.";
  return notKnown;
}

const notKnown =
  "It is not known whether your answer counts. Look at the approval on its page before you answer again.";

/** What is told to who answered in vain. */
const words: Record<ApprovalErrorCode, (error: ApprovalError) => string> = {
  not_found: () => "There is no such approval any more.",
  not_approver: () => "You are not an approver: your entry in people.yaml does not have `access: [approver]`.",
  self_approval: () => "You started this session, so you cannot approve it. Somebody else has to answer.",
  not_in_group: ({ message }) => `You cannot answer this one: ${message}.`,
  decided: () => "This is decided already, or you have answered it before. Your answer changes nothing.",
  not_as_shown: () => "This message is not the one that belongs to the approval. Answer on the page.",
  used: () => "The approval was used already. What it let through cannot be taken back.",
  answer_unknown: () => notKnown,
  expired: () => "The approval has expired.",
  invalid_comment: ({ message }) => `Your answer does not count: ${message}. Write the comment anew.`,
};

function unknown(user: string): string {
  return `Countersign does not know who you are, so your answer does not count. Your Slack id is ${user}: whoever keeps people.yaml adds it to the \`aliases\` of your entry.`;
}

function recorded({ quorum, decisions }: ApprovalView): string {
  return `Your approval is recorded: ${decisions.length} of ${quorum}. Further people have to approve.`;
}

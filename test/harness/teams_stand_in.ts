import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";
import type * as adaptivecards from "adaptivecards";
import { type Received, type Receiver, type Reply, startReceiver } from "./receiver.js";

// The package's modules are for bundlers: Node cannot resolve what they import.
const load = createRequire(import.meta.url);
const { AdaptiveCard, RichTextBlock, SerializationContext, ValidationPhase, Version }: typeof adaptivecards = load(
  "adaptivecards/dist/adaptivecards.js",
);
type AdaptiveCard = adaptivecards.AdaptiveCard;

/** Documented for messages to a channel: 28 KB. */
const mostBytes = 28 * 1024;
/** What Teams knows of Adaptive Cards in messages. */
const newest = new Version(1, 5);

export interface TeamsStandIn extends Receiver {
  /** Cards that were taken, as Teams would have them. */
  cards: AdaptiveCard[];
  /** Why messages were refused. */
  refusals: string[];
  /** From now on answers 429, so many times. */
  throttle(times: number, retryAfter: string): void;
}

/** The webhook of a Teams workflow, as far as it looks at what it is sent. */
export async function startTeams(): Promise<TeamsStandIn> {
  const cards: AdaptiveCard[] = [];
  const refusals: string[] = [];
  let throttled = { times: 0, retryAfter: "" };
  const answer = (received: Received): Reply => {
    if (throttled.times > 0) {
      throttled.times -= 1;
      return { status: 429, headers: { "retry-after": throttled.retryAfter } };
    }
    try {
      cards.push(cardOf(received));
      return { status: 202 };
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error));
      return { status: 400 };
    }
  };
  return {
    ...(await startReceiver(answer)),
    cards,
    refusals,
    throttle(times, retryAfter) {
      throttled = { times, retryAfter };
    },
  };
}

/** Throws an `Error` that says what a workflow, or Teams behind it, would not take. */
export function cardOf({ method, headers, body }: Received): AdaptiveCard {
  if (method !== "POST") throw new Error(`${method} instead of POST`);
  if (!/^application\/json(; charset=utf-8)?$/.test(headers["content-type"] ?? "")) throw new Error("not JSON");
  if (Buffer.byteLength(body) > mostBytes) throw new Error(`${Buffer.byteLength(body)} bytes`);
  const message = JSON.parse(body) as { type?: unknown; attachments?: Record<string, unknown>[] };
  if (message.type !== "message") throw new Error("not a message");
  const [attachment, ...more] = message.attachments ?? [];
  if (attachment === undefined || more.length > 0) throw new Error("not one attachment");
  if (attachment.contentType !== "application/vnd.microsoft.card.adaptive") throw new Error("not an adaptive card");
  if (attachment.contentUrl !== null) throw new Error("contentUrl is not null");
  return parsed(attachment.content);
}

function parsed(content: unknown): AdaptiveCard {
  const context = new SerializationContext(newest);
  const card = new AdaptiveCard();
  card.parse(content, context);
  const events = Array.from({ length: context.eventCount }, (_, i) => context.getEventAt(i));
  const [event] = events.filter(({ phase }) => phase === ValidationPhase.Parse);
  if (event) throw new Error(`${event.message}`);
  // What the parser does not know, it leaves out.
  const { msteams: _, ...known } = content as Record<string, unknown>;
  if (!isDeepStrictEqual({ ...card.toJSON(context), version: known.version }, known))
    throw new Error("unknown members");
  if (!/^1\.[0-5]$/.test(String(known.version))) throw new Error(`version ${known.version}`);
  const [invalid] = card.validateProperties().validationEvents;
  if (invalid) throw new Error(invalid.message);
  return card;
}

/** Every paragraph of a card, as plain text. Throws for elements in which Markdown would be read. */
export function paragraphsOf(card: AdaptiveCard): string[] {
  return Array.from({ length: card.getItemCount() }, (_, i) => {
    const element = card.getItemAt(i);
    if (!(element instanceof RichTextBlock)) throw new Error(`a ${element.getJsonTypeName()} reads Markdown`);
    return element.asString() ?? "";
  });
}

import type { Task } from "../session.js";
import type { SharedRegistry } from "../store/shared_registry.js";
import { OAuthError, unavailable } from "./error.js";
import type { Granted } from "./granted.js";
import { isWithin, readTask, taskText } from "./task.js";

interface Wanted {
  granted: Granted;
  /** What the client asked for itself. */
  asked: Task | null;
  /** That within what its entry fixes. */
  wanted: Task | null;
}

/**
 * The task that goes into the token. What a session is for is fixed by the first token that names it: a second exchange
 * gets the same, and can neither drop nor change it. A token that binds no session has nothing to fix. Throws `OAuthError`.
 */
export async function pinnedTask(
  { granted, asked, wanted }: Wanted,
  deps: { registryStore: SharedRegistry; sessionTtlMs: number; issuer: { maxTtlMs: number } },
): Promise<Task | null> {
  const { agent, session } = granted;
  if (session.id === undefined) return wanted;
  const text = taskText(wanted);
  // A call with a token of now may come just before that expires, and the session is remembered from then on.
  const ttlMs = deps.sessionTtlMs + deps.issuer.maxTtlMs;
  const held = await deps.registryStore.pinTask(agent.id, session.id, text, ttlMs);
  if (held === text) return wanted;
  if (asked) {
    throw new OAuthError(
      "invalid_authorization_details",
      `${started}; leave authorization_details out to get that one`,
      {
        reason: "outside_task",
      },
    );
  }
  const pinned = held === null ? null : stored(held);
  if (isWithin(pinned, session.task ?? null)) return pinned;
  const description = `${started}, which the subject token does not cover`;
  throw new OAuthError("invalid_grant", description, { reason: "outside_task" });
}

const started = "the session was started for another task";

function stored(text: string): Task {
  try {
    return readTask(text);
  } catch (error) {
    throw unavailable("store_unavailable", "what the session is for cannot be read", error);
  }
}

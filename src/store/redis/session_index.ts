import type { SessionState } from "../../session.js";
import type { Observation } from "../store.js";
import type { Commands } from "./commands.js";
import type { Keys } from "./keys.js";
import { scripts } from "./scripts.js";

/**
 * Makes a session findable by its id alone. The index lies outside the agent's hash slot, so it cannot be part of the
 * script: it is written when the session begins and after each further half of its time to live. When that fails the
 * call fails.
 */
export async function indexSession(
  redis: Commands,
  keys: Keys,
  called: { agent: string; seen: Observation; before: SessionState | null; nowMs: number },
): Promise<void> {
  const { agent, seen, before, nowMs } = called;
  const half = Math.max(1, Math.floor(seen.ttlMs / 2));
  const halves = (ms: number): number => Math.floor((ms - (before?.startedMs ?? ms)) / half);
  if (before && halves(before.lastMs) === halves(nowMs)) return;
  await scripts.sessionAgent.run(redis, [keys.sessionAgents(seen.session)], [agent, 2 * seen.ttlMs]);
}

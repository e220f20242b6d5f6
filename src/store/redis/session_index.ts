import { RecentMap } from "../../recent_map.js";
import type { SessionState } from "../../session.js";
import type { Observation } from "../store.js";
import type { Commands } from "./commands.js";
import type { Keys } from "./keys.js";
import { scripts } from "./scripts.js";

/** Sessions whose index is still to be written, of which one process knows. */
const remembersMost = 10_000;

export interface SeenCall {
  agent: string;
  seen: Observation;
  before: SessionState | null;
  nowMs: number;
  replayed: boolean;
}

/**
 * Makes sessions findable by their id alone. The index lies outside the agent's hash slot, so it cannot be part of the
 * script: it is written when the session begins and after each further half of its time to live. When that fails the
 * call fails, and it is written with a repeat of the call, with the next call of the session that comes to this process,
 * or else with the next half.
 */
export class SessionIndex {
  readonly #keys: Keys;
  readonly #owed = new RecentMap<string, true>(remembersMost);

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** True when the session is to be written. */
  owes(called: SeenCall): boolean {
    const due = called.replayed || isDue(called);
    // Nearly always: not even the name is needed.
    if (!due && this.#owed.size === 0) return false;
    const name = this.#keys.session(called.agent, called.seen.session);
    if (this.#owed.get(name)) return true;
    if (due) this.#owed.set(name, true);
    return due;
  }

  async write(redis: Commands, agent: string, seen: Observation): Promise<void> {
    await scripts.sessionAgent.run(redis, [this.#keys.sessionAgents(seen.session)], [agent, 2 * seen.ttlMs]);
    this.#owed.delete(this.#keys.session(agent, seen.session));
  }
}

function isDue({ seen, before, nowMs }: SeenCall): boolean {
  const half = Math.max(1, Math.floor(seen.ttlMs / 2));
  const halves = (ms: number): number => Math.floor((ms - (before?.startedMs ?? ms)) / half);
  return before === null || halves(before.lastMs) !== halves(nowMs);
}

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
  /** False where it has been written since. */
  readonly #owed = new RecentMap<string, boolean>(remembersMost);

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** `null` when there is nothing to write. */
  add(redis: Commands, called: SeenCall): Promise<void> | null {
    const { agent, seen } = called;
    const name = this.#keys.session(agent, seen.session);
    const owed = this.#owed.get(name) === true;
    if (!owed && !called.replayed && !isDue(called)) return null;
    if (!owed) this.#owed.set(name, true);
    return this.#write(redis, name, called);
  }

  async #write(redis: Commands, name: string, { agent, seen }: SeenCall): Promise<void> {
    await scripts.sessionAgent.run(redis, [this.#keys.sessionAgents(seen.session)], [agent, 2 * seen.ttlMs]);
    this.#owed.set(name, false);
  }
}

function isDue({ seen, before, nowMs }: SeenCall): boolean {
  const half = Math.max(1, Math.floor(seen.ttlMs / 2));
  const halves = (ms: number): number => Math.floor((ms - (before?.startedMs ?? ms)) / half);
  return before === null || halves(before.lastMs) !== halves(nowMs);
}

import { type Observation, type Store, StoreUnavailable } from "./store.js";

/**
 * Observations that wait at most, of one agent and of all. Who makes many must not use up the room of the others: of one
 * agent no more may wait than there is room left.
 */
export const waitMost = { ofAgent: 1_000, inAll: 10_000 };

/** How long after a failure it is tried again, in milliseconds. */
const againMs = 250;

export interface MissedOptions {
  store: Pick<Store, "settle">;
  /** A fresh name. */
  id: () => string;
  /** True while it is no use to try. */
  away: (agent: string) => boolean;
  /** The store did not take it. */
  onFailure: (agent: string) => void;
  /** Told how many wait, whenever that changes. */
  onWaiting: (count: number) => void;
  /** Told of those that the sessions will never know of. */
  onDropped: (count: number, why: string) => void;
  most?: typeof waitMost;
}

/**
 * What sessions have to remember of calls that were settled without the store. It is told to the store when that answers
 * again: of each agent in order and, when the first answer gets lost, rather twice than never.
 */
export class Missed {
  readonly #options: MissedOptions;
  readonly #most: typeof waitMost;
  readonly #waiting = new Map<string, Observation[]>();
  readonly #telling = new Map<string, Promise<boolean>>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: MissedOptions) {
    this.#options = options;
    this.#most = options.most ?? waitMost;
  }

  get count(): number {
    return this.#count;
  }

  /** True when the store does not know everything of the agent. */
  owes(agent: string): boolean {
    return this.#waiting.has(agent);
  }

  hasRoom(agent: string): boolean {
    const ofAgent = this.#waiting.get(agent)?.length ?? 0;
    return ofAgent < Math.min(this.#most.ofAgent, this.#most.inAll - this.#count);
  }

  /**
   * For an agent that there is room for. Of refusals by limits that say nothing else one of each session and reason waits:
   * an agent in a loop makes as many as it likes.
   */
  add(agent: string, observation: Observation): void {
    const waiting = this.#waiting.get(agent) ?? [];
    if (isPlain(observation) && waiting.some((other) => isPlain(other) && isSame(other, observation))) return;
    waiting.push(structuredClone(observation));
    this.#waiting.set(agent, waiting);
    this.#changed(1);
    this.#later();
  }

  /** Resolves to true once the store knows everything of an agent, to false when it does not take it. */
  async told(agent: string): Promise<boolean> {
    if (!this.owes(agent)) return true;
    const telling = this.#telling.get(agent) ?? this.#tell(agent).finally(() => this.#telling.delete(agent));
    this.#telling.set(agent, telling);
    return telling;
  }

  /** Tells all there is, one agent after the other. One whose observations the store does not take holds up no other. */
  async tellAll(): Promise<void> {
    for (const agent of [...this.#waiting.keys()]) {
      if (!this.#options.away(agent)) await this.told(agent);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#count === 0) return;
    this.#options.onDropped(this.#count, "this process ends before the store knows them");
    this.#waiting.clear();
    this.#changed(-this.#count);
  }

  async #tell(agent: string): Promise<boolean> {
    const waiting = this.#waiting.get(agent) ?? [];
    for (let next = waiting[0]; next && !this.#closed; next = waiting[0]) {
      if (!(await this.#take(agent, next))) return false;
      if (this.#closed) return false;
      waiting.shift();
      if (waiting.length === 0) this.#waiting.delete(agent);
      this.#changed(-1);
    }
    return waiting.length === 0;
  }

  /** False when it has to be told again. */
  async #take(agent: string, observation: Observation): Promise<boolean> {
    const key = `missed/${this.#options.id()}`;
    try {
      await this.#options.store.settle({ agent, key, enforced: {}, approval: { kind: "none" }, observation });
    } catch (error) {
      if (error instanceof StoreUnavailable) {
        this.#options.onFailure(agent);
        return false;
      }
      this.#options.onDropped(1, "no store could take it");
    }
    return true;
  }

  #changed(by: number): void {
    this.#count += by;
    this.#options.onWaiting(this.#count);
  }

  /** Who calls no more is told of as well. */
  #later(): void {
    if (this.#timer || this.#closed) return;
    this.#timer = setTimeout(async () => {
      await this.tellAll();
      this.#timer = undefined;
      if (this.#count > 0) this.#later();
    }, againMs).unref();
  }
}

const limitRefusals: readonly string[] = ["rate_exceeded", "budget_exceeded"];

/** A limit refused the call, and that is all there is to be known of it. */
function isPlain({ refusal, tags, indicators, outside }: Observation): boolean {
  const more = tags.length > 0 || indicators.length > 0 || outside !== null;
  return refusal !== null && limitRefusals.includes(refusal) && !more;
}

function isSame(one: Observation, other: Observation): boolean {
  return one.session === other.session && one.refusal === other.refusal;
}

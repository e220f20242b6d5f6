import { Redis } from "ioredis";
import { crowd, tally } from "../harness/crowd.js";
import type { Checked, Pair } from "../harness/pair.js";
import { type OwnRedis, startRedisServer } from "../harness/redis.js";
import { until } from "../harness/until.js";

/** Each limit of the tests: so many calls, each in its own way. */
export const limit = 200;
export const limits = {
  daily: { daily_budget: limit },
  session: { session_budget: limit },
  rate: { rate: "1/d", burst: limit },
};
export type LimitKind = keyof typeof limits;

const callers = 64;

/** What can happen to a Redis, and how it ends. */
export interface Fault {
  /** True when the server forgets everything. */
  loses: boolean;
  /** False when it goes on answering. */
  away: boolean;
  fail(redis: OwnRedis): Promise<unknown>;
  heal(redis: OwnRedis): Promise<void>;
}

const nothing = async (): Promise<void> => {};

/** In an order in which what one leaves behind does not change the next. */
export const faults: Record<string, Fault> = {
  "its scripts are flushed": {
    loses: false,
    away: false,
    fail: ({ url }) => command(url, "SCRIPT", "FLUSH"),
    heal: nothing,
  },
  "it is paused": {
    loses: false,
    away: true,
    fail: ({ controls }) => controls.pause(),
    heal: ({ controls }) => controls.resume(),
  },
  "it is emptied": { loses: true, away: false, fail: ({ url }) => command(url, "FLUSHALL"), heal: nothing },
  "it is killed and comes back empty": {
    loses: true,
    away: true,
    fail: ({ controls }) => controls.kill(),
    heal: ({ controls }) => controls.restart(),
  },
  "it ends and comes back with what it had": {
    loses: false,
    away: true,
    // Ends the connection instead of an answer.
    fail: ({ url }) => command(url, "SHUTDOWN", "SAVE").catch(() => {}),
    heal: ({ controls }) => controls.restart(),
  },
};

export const startOwnRedis = (program: string): Promise<OwnRedis> => startRedisServer(program);

/** Over a connection of its own that is not made again, so that nothing is sent twice. */
async function command(url: string, ...[name = "", ...args]: string[]): Promise<unknown> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on("error", () => {});
  try {
    await redis.connect();
    return await redis.call(name, ...args);
  } finally {
    redis.disconnect();
  }
}

/** What the callers know of one agent's calls. */
export class Account {
  readonly kind: LimitKind;
  /** Ids of the calls that passed. */
  readonly passed: string[] = [];
  /** Why each process refused the others. */
  readonly refused: readonly [string[], string[]] = [[], []];
  longestMs = 0;
  /** What each process was told by the store to be used, as far as its answers show. */
  readonly #known = [0, 0];
  /** Of each call under way, what its process knew when it began. */
  readonly #underWay = new Set<{ floor: number }>();

  constructor(kind: LimitKind) {
    this.kind = kind;
  }

  async call(pair: Pair, agent: string, member: 0 | 1): Promise<void> {
    const underWay = { floor: this.#known[member] ?? 0 };
    this.#underWay.add(underWay);
    const answer = await pair.members[member].check({ agent }).finally(() => this.#underWay.delete(underWay));
    this.longestMs = Math.max(this.longestMs, answer.ms);
    if (!answer.allowed) {
      this.refused[member].push(answer.reason);
      return;
    }
    this.passed.push(answer.decisionId);
    this.#known[member] = Math.max(this.#known[member] ?? 0, this.#usedAfter(answer));
  }

  /** What every process puts back at least where the store has lost it. */
  get floor(): number {
    return Math.min(...this.#known, ...[...this.#underWay].map(({ floor }) => floor));
  }

  /** What the store has let through at most. */
  get ceiling(): number {
    return this.passed.length + this.#underWay.size;
  }

  get unanswered(): number {
    return this.refused.flat().filter((reason) => reason === "store_unavailable").length;
  }

  /** True when each of the processes has refused because of the limit. */
  get limited(): boolean {
    return this.refused.every((reasons) => reasons.some((reason) => reason.endsWith("_exceeded")));
  }

  /** True when each of the processes has refused for want of the store. */
  get cutOff(): boolean {
    return this.refused.every((reasons) => reasons.includes("store_unavailable"));
  }

  /** 0 of a call that was settled without the store. */
  #usedAfter({ left }: Checked): number {
    const [rest] = Object.values(left);
    if (rest === undefined) return 0;
    // Of a rate one less may be told, as long as the call's own millisecond lasts.
    return Math.max(0, limit - rest - (this.kind === "rate" ? 1 : 0));
  }
}

/** Many callers that go on until they are told to stop, through both processes and for all agents in turn. */
export class Load {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly #pair: Pair;
  readonly #ended: Promise<unknown>;
  #goesOn = true;

  constructor(pair: Pair, agents: Readonly<Record<LimitKind, string>>) {
    this.#pair = pair;
    const kinds = Object.keys(agents) as LimitKind[];
    this.accounts = new Map(kinds.map((kind) => [agents[kind], new Account(kind)]));
    const all = [...this.accounts];
    this.#ended = crowd(
      callers,
      () => this.#goesOn,
      async (n) => {
        const [agent, account] = all[n % all.length] ?? [];
        if (agent && account) await account.call(pair, agent, Math.floor(n / all.length) % 2 === 0 ? 0 : 1);
      },
    );
    this.#ended.catch(() => {});
  }

  /** Resolves when the condition holds, of each agent. */
  async until(what: string, condition: (account: Account, agent: string) => boolean | Promise<boolean>): Promise<void> {
    const failed = this.#ended.then(() => false as const);
    for (const [agent, account] of this.accounts) {
      const met = until(() => condition(account, agent), { what: `${agent}: ${what}`, timeoutMs: 60_000 });
      await Promise.race([met, failed]);
    }
  }

  async stop(): Promise<void> {
    this.#goesOn = false;
    await this.#ended;
  }

  /** One more call of every caller, again where the store did not answer a busy machine in time: what came of them. */
  async after(): Promise<Record<string, number>> {
    const agents = [...this.accounts.keys()];
    return until(
      async () => {
        const answers = await crowd(
          callers,
          (n) => n < callers,
          (n) => this.#pair.of(Math.floor(n / agents.length)).check({ agent: agents[n % agents.length] ?? "" }),
        );
        const reasons = tally(answers.map(({ reason }) => reason));
        return "store_unavailable" in reasons ? undefined : reasons;
      },
      { what: "the store to answer all callers" },
    );
  }
}

import { systemRuntime } from "../../src/runtime.js";
import { memoryStore } from "../../src/store/memory.js";
import { type SettleRequest, type Store, StoreUnavailable } from "../../src/store/store.js";

export interface Losable {
  store: Store;
  /** Everything is gone. */
  flush(): void;
  /** The copy catches up. */
  copy(): void;
  /** The copy takes the place of the original. */
  failOver(): Promise<void>;
  away: boolean;
  /** What was settled in it, in order. */
  settled: SettleRequest[];
  /** Before a call is settled, and after it. */
  delay: (request: SettleRequest) => Promise<void>;
  reply: (request: SettleRequest) => Promise<void>;
}

/** A memory store that loses its state as a server does, and that can be away. Its clock is `now`. */
export function losable(now: () => number): Losable {
  let replayedAt: number | null = null;
  const runtime = { ...systemRuntime, now: () => replayedAt ?? now() };
  let inner = memoryStore(runtime);
  let copied = 0;
  const times = new WeakMap<SettleRequest, number>();
  const answer = <T>(work: () => Promise<T>): Promise<T> =>
    self.away ? Promise.reject(new StoreUnavailable("no answer within 1 ms")) : work();
  const self: Losable = {
    away: false,
    settled: [],
    delay: async () => {},
    reply: async () => {},
    store: {
      ...inner,
      shared: true,
      look: (request) => answer(() => inner.look(request)),
      settle: (request) =>
        answer(async () => {
          await self.delay(request);
          if (self.away) throw new StoreUnavailable("no answer within 1 ms");
          const settled = structuredClone(request);
          times.set(settled, now());
          self.settled.push(settled);
          const result = await inner.settle(request);
          await self.reply(request);
          return result;
        }),
      usage: (request) => answer(() => inner.usage(request)),
      ping: () => answer(() => inner.ping()),
      registry: { ...inner.registry, changes: (seen) => answer(() => inner.registry.changes(seen)) },
    },
    flush() {
      inner = memoryStore(runtime);
      self.settled.length = 0;
      copied = 0;
    },
    copy() {
      copied = self.settled.length;
    },
    async failOver() {
      const kept = self.settled.slice(0, copied);
      self.flush();
      for (const request of kept) {
        replayedAt = times.get(request) ?? null;
        await inner.settle(request);
      }
      replayedAt = null;
      self.settled.push(...kept);
      copied = kept.length;
    },
  };
  return self;
}

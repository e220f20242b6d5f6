/** `make bench-parts`: what a verified token costs against a remembered one, and what a session adds to settling a call. */

import { issueToken } from "../src/identify/issue.js";
import { localIssuer } from "../src/identify/local_issuer.js";
import { generateKey } from "../src/keys/keys.js";
import { signingKeyOf } from "../src/keys/signing_key.js";
import { systemRuntime } from "../src/runtime.js";
import { injectionIn } from "../src/sessions/injection/injection.js";
import { openStore } from "../src/store/open.js";
import type { Observation, SettleRequest, Store } from "../src/store/store.js";
import { startRedis } from "../test/harness/find_redis.js";

const rounds = 7;
const inFlight = 16;

/** Microseconds of this process's CPU a piece of work, the median of several rounds. */
async function cpuOf(count: number, work: (n: number) => Promise<unknown> | unknown): Promise<number> {
  const once = async (): Promise<number> => {
    const before = process.cpuUsage();
    for (let n = 0; n < count; n += inFlight) {
      await Promise.all(Array.from({ length: inFlight }, (_, i) => work(n + i)));
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / count;
  };
  await once();
  const found: number[] = [];
  for (let round = 0; round < rounds; round++) found.push(await once());
  return found.sort((a, b) => a - b)[Math.floor(rounds / 2)] as number;
}

const key = await signingKeyOf(generateKey("OKP", "issuer"));
const limits = { issuer: "http://127.0.0.1:9192", audience: "countersign", maxTtlMs: 3_600_000 };
const tokens = await Promise.all(
  Array.from({ length: 2_000 * (rounds + 1) }, (_, n) =>
    issueToken({ key, ...limits, agent: { id: "bot" }, ttlMs: 900_000, now: Date.now(), id: `jti-${n}`, scope: "*:*" }),
  ),
);
const verifier = localIssuer({ ...limits, keys: [key] });
let fresh = 0;
const uncached = await cpuOf(2_000, () => verifier.verify(tokens[fresh++ % tokens.length] as string, Date.now()));
const cached = await cpuOf(2_000, () => verifier.verify(tokens[tokens.length - 1] as string, Date.now()));

const observation: Observation = {
  session: "session-1",
  bound: true,
  known: { initiated_by: "alice@example.com" },
  ttlMs: 86_400_000,
  outcome: "passed",
  refusal: null,
  detail: "deploy-api:deploy",
  tool: "deploy-api",
  classification: ["config"],
  tags: [],
  indicators: [],
  outside: null,
  burst: { refusals: 5, withinMs: 60_000 },
  learningMs: 604_800_000,
};

async function settling(store: Store): Promise<{ bare: number; observed: number; looked: number }> {
  let serial = 0;
  const request = (more: Partial<SettleRequest> = {}): SettleRequest => ({
    agent: "bot",
    key: `key-${serial++}`,
    enforced: { rate: { intervalUs: 1, burst: 1_000_000 } },
    approval: { kind: "none" },
    ...more,
  });
  const look = { agent: "bot", session: "session-1", tool: "deploy-api", learningMs: 0, approval: null };
  const bare = await cpuOf(1_600, () => store.settle(request()));
  const observed = await cpuOf(1_600, () => store.settle(request({ observation })));
  const looked = await cpuOf(1_600, async () => {
    await store.look(look);
    await store.settle(request({ observation }));
  });
  return { bare, observed, looked };
}

const redis = await startRedis();
const store = await openStore(redis.url, { runtime: systemRuntime, waitMs: 5_000 });
const onRedis = await settling(store);
await store.close();
await redis.stop();

const params = { environment: "staging", replicas: 3, note: "the release of this week, with a fix for the login page" };
const small = { params, body: {}, http: { query: [], path: "/v1/deploy" } } as unknown as Parameters<
  typeof injectionIn
>[0];
const injection = await cpuOf(4_000, () => injectionIn(small));

const row = (what: string, us: number, ratio: number) =>
  console.log(`${what.padEnd(52)}${us.toFixed(1).padStart(8)} us  x${ratio.toFixed(2)}`);
console.log("CPU of this process for each, and against the row above it that begins a group");
row("token, signature checked", uncached, 1);
row("token, remembered", cached, cached / uncached);
row("settle on Redis, one rate", onRedis.bare, 1);
row("settle on Redis, one rate and the session", onRedis.observed, onRedis.observed / onRedis.bare);
row("look, then settle with the session", onRedis.looked, onRedis.looked / onRedis.bare);
row("search of a small call for words to a model", injection, injection / onRedis.bare);

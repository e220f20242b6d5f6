import { rateOf } from "../../src/policies/rate.js";
import type { Rate } from "../../src/store/store.js";
import { crowd } from "../harness/crowd.js";
import { type Pair, pairTools, startPair } from "../harness/pair.js";
import { tell } from "../harness/programs.js";
import { describeExact, type ExactStore } from "./exact_store.js";
import { excesses, mostWithin, type SeenCall, seen, unexplained } from "./gcra_oracle.js";

const callers = 64;
/** Slow enough that the time an answer takes is little beside the time between two calls. */
const ofAgent = { rate: "2/s", burst: 5 };
const ofTool = { rate: "30/m", burst: 2 };
/** Of each agent. */
const passesWanted = 16;
/** Of each limit, so that it is the limit that holds calls back and not the machine. */
const refusalsWanted = 3;

describe("the oracle", () => {
  const rate = { intervalUs: 1000, burst: 3 };
  const at = (ms: number, passed: boolean): SeenCall => ({ sentUs: ms * 1000, doneUs: ms * 1000 + 10, passed });

  test("says how many calls pass in a time", () => {
    expect([0, 999, 1000, 5500].map((us) => mostWithin(us, rate))).toEqual([3, 3, 4, 8]);
  });

  test("finds a call too many, and one that was refused without reason", () => {
    const right = [at(0, true), at(0, true), at(0, true), at(0, false), at(1, true), at(1, false), at(5, true)];
    expect([excesses(right, rate), unexplained(right, rate)]).toEqual([[], []]);
    expect(excesses([...right, at(0.2, true)], rate)).toContainEqual({ passed: 4, most: 3 });
    expect(unexplained([...right, at(5.1, false)], rate)).toHaveLength(1);
  });
});

describeExact("rates that refill, two processes", (start) => {
  let store: ExactStore;
  let pair: Pair;
  let plain: string[];
  let tooled: string[];
  beforeAll(async () => {
    store = await start();
    plain = await store.names("plain");
    tooled = await store.names("tooled");
    const policy = (limits: object) => ({ actions: [{ name: "export" }], limits });
    pair = await startPair({
      store: store.place,
      agents: {
        ...Object.fromEntries(plain.map((agent) => [agent, policy(ofAgent)])),
        ...Object.fromEntries(tooled.map((agent) => [agent, policy({ ...ofAgent, tools: { reports: ofTool } })])),
      },
      env: { COUNTERSIGN_STORE_TIMEOUT: "20s" },
    });
  });
  afterAll(async () => {
    await pair?.stop();
    await store?.stop();
  });

  test("what passes and what is refused is what the oracle says, of each agent and each tool", async () => {
    const agents = [...plain, ...tooled];
    // By the agent, and by agent and tool; of a refusal only with the limit that refused.
    const calls = new Map<string, SeenCall[]>();
    const names = [...agents, ...tooled.map((agent) => `${agent} with reports`)];
    const passes = (name: string) => calls.get(name)?.filter(({ passed }) => passed).length ?? 0;
    const refusals = (name: string) => calls.get(name)?.filter(({ passed }) => !passed).length ?? 0;
    const note = (name: string, call: SeenCall): void => {
      calls.set(name, calls.get(name) ?? []);
      calls.get(name)?.push(call);
    };
    const goesOn = () =>
      agents.some((agent) => passes(agent) < passesWanted) || names.some((name) => refusals(name) < refusalsWanted);

    await crowd(callers, goesOn, async (n) => {
      const agent = agents[n % agents.length] ?? "";
      const mine = Math.floor(n / agents.length);
      const tool = pairTools[Math.floor(mine / 2) % 2] ?? "reports";
      const { answer, seen: call } = await seen(() => pair.of(mine).check({ agent, tool }));
      expect(answer.reason).toBe(answer.allowed ? "allowed" : "rate_exceeded");
      if (answer.allowed || "rate" in answer.left) note(agent, call);
      if (tooled.includes(agent) && tool === "reports" && (answer.allowed || "tool-rate" in answer.left)) {
        note(`${agent} with reports`, call);
      }
    });

    expect([...calls.keys()].sort()).toEqual(names.sort());
    for (const [name, ofName] of calls) {
      const limit = name.endsWith("reports") ? ofTool : ofAgent;
      const rate = rateFrom(limit);
      expect({ name, excesses: excesses(ofName, rate), unexplained: unexplained(ofName, rate) }).toEqual({
        name,
        excesses: [],
        unexplained: [],
      });
      const [from, to] = [Math.min(...ofName.map((one) => one.sentUs)), Math.max(...ofName.map((one) => one.doneUs))];
      const most = mostWithin(to - from, rate);
      tell(
        `${name}, ${limit.rate} with a burst of ${limit.burst}: ${passes(name)} passed and ${refusals(name)} were refused in ` +
          `${((to - from) / 1e6).toFixed(2)} s; the oracle lets at most ${most} through`,
      );
    }
  });
});

function rateFrom({ rate, burst }: { rate: string; burst: number }): Rate {
  const { interval_us: intervalUs } = rateOf(rate, burst);
  return { intervalUs, burst };
}

import { crowd, tally } from "../harness/crowd.js";
import { awayFromMidnight } from "../harness/midnight.js";
import { type Checked, type Pair, type PairCall, startPair } from "../harness/pair.js";
import { describeExact, type ExactStore } from "./exact_store.js";

const callers = 64;
const most = 50;
const tries = 4 * most;
/** No answer of the store is to get lost because the machine is busy. */
const patient = { COUNTERSIGN_STORE_TIMEOUT: "20s" };
const slow = "1/d";

describeExact("budgets and slow rates, two processes", (start) => {
  let store: ExactStore;
  let pair: Pair;
  const names: Record<string, [string, string, string]> = {};
  const limits = {
    daily: { daily_budget: most },
    session: { session_budget: most },
    rate: { rate: slow, burst: most },
    tool: { rate: slow, burst: most, tools: { reports: { rate: slow, burst: 20 } } },
    all: {
      rate: slow,
      burst: 1000,
      daily_budget: 60,
      session_budget: 40,
      tools: { archive: { rate: slow, burst: 10 } },
    },
  };
  beforeAll(async () => {
    store = await start();
    const agents: Record<string, object> = {};
    for (const [kind, limit] of Object.entries(limits)) {
      names[kind] = await store.names(kind);
      for (const agent of names[kind]) agents[agent] = { actions: [{ name: "export" }], limits: limit };
    }
    pair = await startPair({ store: store.place, agents, env: patient });
  });
  afterAll(async () => {
    await pair?.stop();
    await store?.stop();
  });

  beforeEach(() => awayFromMidnight(60_000), 120_000);

  /** Every agent makes as many calls; the callers take them in turn, and each goes to the other process than the one before. */
  async function storm(
    agents: readonly string[],
    each: number,
    callOf: (agent: string, n: number) => PairCall = (agent) => ({ agent }),
  ): Promise<Map<string, Checked[]>> {
    const answers = new Map(agents.map((agent): [string, Checked[]] => [agent, []]));
    await crowd(
      callers,
      (n) => n < each * agents.length,
      async (n) => {
        const agent = agents[n % agents.length] ?? "";
        // An agent's own calls alternate, however many agents there are.
        const mine = Math.floor(n / agents.length);
        answers.get(agent)?.push(await pair.of(mine).check(callOf(agent, mine)));
      },
    );
    return answers;
  }

  const reasons = (answers: readonly Checked[] = []) => tally(answers.map(({ reason }) => reason));

  /** What both processes say was used. */
  async function used(agent: string, session = `${agent}-1`): Promise<Record<string, unknown>> {
    const told = await Promise.all(
      pair.members.map(async ({ ask }) => {
        const { body } = await ask(`/v1/usage/${agent}?session=${session}`);
        const { tools = {}, ...others } = (JSON.parse(body) as { enforced: Used }).enforced;
        return { ...usedOf(others), ...(Object.keys(tools).length > 0 && { tools: usedOf(tools) }) };
      }),
    );
    expect(told[0]).toEqual(told[1]);
    return told[0] ?? {};
  }

  test.each([
    ["daily", "budget_exceeded", "daily_budget"],
    ["session", "budget_exceeded", "session_budget"],
    ["rate", "rate_exceeded", "rate"],
  ])("%s: of 200 calls of each of three agents exactly 50 pass", async (kind, reason, limit) => {
    const agents = names[kind] ?? [];
    const answers = await storm(agents, tries);
    for (const agent of agents) {
      expect(reasons(answers.get(agent))).toEqual({ allowed: most, [reason]: tries - most });
      expect(await used(agent)).toEqual({ [limit]: most });
      // Of a rate the rest grows with time, by so little that it does not show, and not at the same moment.
      if (limit === "rate") continue;
      const passed = answers.get(agent)?.filter(({ allowed }) => allowed) ?? [];
      const left = passed.flatMap(({ left }) => Object.values(left)).sort((a, b) => a - b);
      expect(left).toEqual(Array.from({ length: most }, (_, n) => n));
    }
  });

  test("a tool's rate takes nothing from the agent's, nor the agent's from the tool's", async () => {
    const agents = names.tool ?? [];
    const first = await storm(agents, 100, (agent) => ({ agent, tool: "reports" }));
    const then = await storm(agents, 100, (agent) => ({ agent, tool: "archive" }));
    const last = await storm(agents, 20, (agent) => ({ agent, tool: "reports" }));
    for (const agent of agents) {
      expect(reasons(first.get(agent))).toEqual({ allowed: 20, rate_exceeded: 80 });
      expect(reasons(then.get(agent))).toEqual({ allowed: 30, rate_exceeded: 70 });
      expect(reasons(last.get(agent))).toEqual({ rate_exceeded: 20 });
      expect(await used(agent)).toEqual({ rate: most, tools: { reports: 20 } });
    }
  });

  test("a call that one limit refuses takes nothing from any other", async () => {
    const agents = names.all ?? [];
    const busy = (agent: string) => `${agent}-busy`;
    const quiet = (agent: string) => `${agent}-quiet`;
    const answers = await storm(agents, 300, (agent, n) => ({
      agent,
      session: n % 5 === 4 ? quiet(agent) : busy(agent),
      tool: n % 3 === 0 ? "archive" : "reports",
    }));
    for (const agent of agents) {
      expect(reasons(answers.get(agent)).allowed).toBe(60);
      const refused = answers.get(agent)?.filter(({ allowed }) => !allowed) ?? [];
      // The busy session's budget is used up first, and the day's long after it.
      expect(new Set(refused.flatMap(({ left }) => Object.keys(left)))).toEqual(
        new Set(["tool-rate", "session-budget", "daily-budget"]),
      );
      const ofAgent = { rate: 60, daily_budget: 60, tools: { archive: 10 } };
      expect(await used(agent, busy(agent))).toEqual({ ...ofAgent, session_budget: 40 });
      expect(await used(agent, quiet(agent))).toEqual({ ...ofAgent, session_budget: 20 });
    }
  });
});

type Each = Record<string, { used: number }>;
type Used = Each & { tools?: Each };

function usedOf(limits: Each): Record<string, number> {
  return Object.fromEntries(Object.entries(limits).map(([name, { used }]) => [name, used]));
}

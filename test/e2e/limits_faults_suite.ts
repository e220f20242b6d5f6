import { redisProgram } from "../harness/find_redis.js";
import { awayFromMidnight } from "../harness/midnight.js";
import { type Pair, startPair } from "../harness/pair.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { tell } from "../harness/programs.js";
import { auditRecords } from "../harness/records.js";
import type { OwnRedis } from "../harness/redis.js";
import {
  type Account,
  type Fault,
  faults,
  type LimitKind,
  Load,
  limit,
  limits,
  startOwnRedis,
} from "./limits_faults.js";

const program = await requirePart("redis-server", redisProgram);
const slackMs = 5_000;

export interface FaultyRun {
  /** As `COUNTERSIGN_ON_STORE_FAILURE` takes it. */
  onFailure: string;
  /** Share of the limits that each of the two processes gives out while the store is away. */
  share: number;
}

/** Two processes under load, and all that can happen to their Redis. */
export function faultyRuns(title: string, { onFailure, share }: FaultyRun): void {
  describeWith(program, title, (use) => {
    let redis: OwnRedis;
    let pair: Pair;
    const names = Object.keys(faults);
    const agentsOf = (fault: string): Record<LimitKind, string> => {
      const number = names.indexOf(fault) + 1;
      return { daily: `daily-${number}`, session: `session-${number}`, rate: `rate-${number}` };
    };
    const passed: string[] = [];
    const local = 2 * Math.floor(limit * share);
    /** What shows that a process has met the fault, and used up what it may give out by itself. */
    const met = share > 0 ? "limited" : "cutOff";
    beforeAll(async () => {
      redis = await startOwnRedis(use());
      const agents: Record<string, object> = {};
      for (const fault of names) {
        for (const [kind, agent] of Object.entries(agentsOf(fault))) {
          agents[agent] = { actions: [{ name: "export" }], limits: limits[kind as LimitKind] };
        }
      }
      pair = await startPair({
        store: redis.url,
        agents,
        env: { COUNTERSIGN_ON_STORE_FAILURE: onFailure, COUNTERSIGN_STORE_TIMEOUT: "1s" },
      });
    });
    afterAll(async () => {
      await pair?.stop();
      await redis?.stop();
    });
    beforeEach(() => awayFromMidnight(60_000), 120_000);

    const sumOf = async (metric: string): Promise<number> => {
      const [one, other] = await Promise.all(pair.members.map((member) => member.metric(metric)));
      return (one ?? 0) + (other ?? 0);
    };
    const usedUp = async (agent: string): Promise<boolean> => {
      const told = await Promise.all(pair.members.map(({ ask }) => ask(`/v1/usage/${agent}?session=${agent}-1`)));
      const used = told.map(({ body }) => Object.values(JSON.parse(body).enforced as Record<string, { used: number }>));
      return used.every((ofLimits) => ofLimits[0]?.used === limit);
    };
    test.each(names)("%s", async (name) => {
      const fault = faults[name];
      if (!fault) throw new Error("no such fault");
      const pids = pair.members.map(({ server }) => server.pid);
      const lostBefore = await sumOf("countersign_store_counters_lost_total");
      const load = new Load(pair, agentsOf(name));
      const accounts = [...load.accounts.values()];
      const lost = await strike(fault, load).finally(() => load.stop());

      const most = lost.map((more) => limit + local + more);
      // Told before it is judged.
      tell(`${title}, ${name}:`);
      accounts.forEach((account, n) => {
        tell(toldOf(account, most[n] ?? 0, fault.loses ? ` + ${lost[n]} lost` : ""));
      });
      for (const [n, account] of accounts.entries()) {
        expect(account.passed.length).toBeLessThanOrEqual(most[n] ?? 0);
        // What is missing was charged by calls that got no answer in time.
        if (!fault.loses && share === 0)
          expect(account.passed.length + account.unanswered).toBeGreaterThanOrEqual(limit);
        expect(account.longestMs).toBeLessThan(slackMs);
        passed.push(...account.passed);
      }
      expect(Object.keys(await load.after()).sort()).toEqual(["budget_exceeded", "rate_exceeded"]);
      expect(pair.members.map(({ server }) => [server.pid, server.running()])).toEqual(pids.map((pid) => [pid, true]));
      const putBack = (await sumOf("countersign_store_counters_lost_total")) - lostBefore;
      if (fault.loses) expect(putBack).toBeGreaterThanOrEqual(1);
      else expect(putBack).toBe(0);
    });

    function toldOf({ kind, passed, unanswered }: Account, most: number, more: string): string {
      const terms = `${local ? ` + ${local} by the processes` : ""}${more}`;
      const bound = terms ? `${most} (${limit}${terms})` : most;
      return `  ${kind}: allowed ${passed.length} of at most ${bound}, ${most - passed.length} below; ${unanswered} unanswered`;
    }

    /** Lets the fault happen in the middle of the load; gives how many calls each account may see let through once more. */
    async function strike(fault: Fault, load: Load): Promise<number[]> {
      const accounts = [...load.accounts.values()];
      await load.until("two thirds of the limit", (account) => account.passed.length >= (limit * 2) / 3);
      const floors = accounts.map(({ floor }) => floor);
      await fault.fail(redis);
      // What passed without each process knowing of it.
      const lost = accounts.map(({ ceiling }, n) => (fault.loses ? ceiling - (floors[n] ?? 0) : 0));
      try {
        if (fault.away) await load.until("both processes to do without it", (account) => account[met]);
      } finally {
        await fault.heal(redis);
      }
      await load.until("the limit used up", (_, agent) => usedUp(agent));
      return lost;
    }

    test("afterwards the chains hold, and each call that passed is on record", async () => {
      expect(await pair.verified()).toEqual(Array(2).fill("every signature and every link holds"));
      const records = (await Promise.all(pair.members.map(({ audit }) => auditRecords(audit)))).flat();
      const allows = records.filter(({ kind, decision }) => kind === "decision" && decision === "allow");
      expect(passed.length).toBeGreaterThan(names.length * limit);
      expect(allows.map(({ decision_id: id }) => id).sort()).toEqual(passed.sort());
    });
  });
}

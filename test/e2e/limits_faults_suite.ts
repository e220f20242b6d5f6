import { redisProgram } from "../harness/find_redis.js";
import { awayFromMidnight } from "../harness/midnight.js";
import { type Pair, startPair } from "../harness/pair.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { tell } from "../harness/programs.js";
import { auditRecords } from "../harness/records.js";
import type { OwnRedis } from "../harness/redis.js";
import { until } from "../harness/until.js";
import { faults, type LimitKind, Load, limit, limits, startOwnRedis } from "./limits_faults.js";

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
    beforeAll(async () => {
      redis = await startOwnRedis(use());
      const agents: Record<string, object> = {};
      for (const fault of names) {
        for (const [kind, agent] of Object.entries(agentsOf(fault))) {
          agents[agent] = { actions: [{ name: "export" }], limits: limits[kind as LimitKind] };
        }
      }
      pair = await startPair({ store: redis.url, agents, env: { COUNTERSIGN_ON_STORE_FAILURE: onFailure } });
    }, 60_000);
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
    /** Both processes have met the fault: they refuse, or go on by themselves. */
    const met = async (before: readonly number[]): Promise<boolean> => {
      const now = await Promise.all(pair.members.map(troubled));
      return now.every((count, n) => count >= (before[n] ?? 0) + 10);
    };
    const troubled = (member: Pair["members"][number]): Promise<number> =>
      share > 0
        ? member.metric("countersign_store_local_decisions_total")
        : member.metric(
            'countersign_decisions_total{decision="deny",enforced="deny",mode="enforce",reason="store_unavailable"}',
          );

    test.each(names)(
      "%s",
      async (name) => {
        const fault = faults[name];
        if (!fault) throw new Error("no such fault");
        const pids = pair.members.map(({ server }) => server.pid);
        const [lostBefore, troubledBefore] = [
          await sumOf("countersign_store_counters_lost_total"),
          await Promise.all(pair.members.map(troubled)),
        ];
        const load = new Load(pair, agentsOf(name));
        await load.until("a third of the limit", (account) => account.passed.length >= limit / 3);

        const accounts = [...load.accounts.values()];
        const floors = accounts.map(({ floor }) => floor);
        await fault.fail(redis);
        // What was let through and not every process knows of may be let through once more.
        const more = accounts.map(({ ceiling }, n) => (fault.loses ? ceiling - (floors[n] ?? 0) : 0));
        if (fault.away)
          await until(() => met(troubledBefore), { what: "both processes to meet it", timeoutMs: 30_000 });
        await fault.heal(redis);
        await load.until("the limit used up", (_, agent) => usedUp(agent));
        await load.stop();

        // Before anything is judged, what the bound is and how far below it stayed.
        const local = 2 * Math.floor(limit * share);
        accounts.forEach(({ kind, passed, unanswered }, n) => {
          const most = limit + local + (more[n] ?? 0);
          const sum = [
            `${limit}`,
            ...(local ? [`${local} by the processes`] : []),
            ...(fault.loses ? [`${more[n]} lost`] : []),
          ];
          tell(
            `${title}, ${name}: ${kind}: allowed ${passed.length} of at most ${most} (${sum.join(" + ")}), ` +
              `${most - passed.length} below; ${unanswered} refused for want of the store`,
          );
        });
        for (const [n, account] of accounts.entries()) {
          expect(account.passed.length).toBeLessThanOrEqual(limit + local + (more[n] ?? 0));
          // What is missing was charged by calls that got no answer in time.
          if (!fault.loses) expect(account.passed.length + account.unanswered).toBeGreaterThanOrEqual(limit);
          expect(account.longestMs).toBeLessThan(slackMs);
          passed.push(...account.passed);
        }
        const after = await load.after();
        expect(Object.keys(after).sort()).toEqual(["budget_exceeded", "rate_exceeded"]);
        expect(pair.members.map(({ server }) => [server.pid, server.running()])).toEqual(
          pids.map((pid) => [pid, true]),
        );
        const lost = (await sumOf("countersign_store_counters_lost_total")) - lostBefore;
        if (fault.loses) expect(lost).toBeGreaterThanOrEqual(accounts.length);
        else expect(lost).toBe(0);
      },
      120_000,
    );

    test("afterwards the chains hold, and each call that passed is on record", async () => {
      expect(await pair.verified()).toEqual(Array(2).fill("every signature and every link holds"));
      const records = (await Promise.all(pair.members.map(({ audit }) => auditRecords(audit)))).flat();
      const allows = records.filter(({ kind, decision }) => kind === "decision" && decision === "allow");
      expect(passed.length).toBeGreaterThan(names.length * limit);
      expect(allows.map(({ decision_id: id }) => id).sort()).toEqual(passed.sort());
    }, 60_000);
  });
}

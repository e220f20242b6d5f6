import { crowd, tally } from "../harness/crowd.js";
import { awayFromMidnight } from "../harness/midnight.js";
import { type Checked, type Pair, type PairCall, startPair } from "../harness/pair.js";
import { tell } from "../harness/programs.js";
import { type AuditLine, auditRecords } from "../harness/records.js";
import { describeExact, type ExactStore } from "./exact_store.js";

const redemptions = 100;
const approvalsOfEach = 7;

describeExact("override tokens, two processes", (start) => {
  let store: ExactStore;
  let pair: Pair;
  let agents: string[];
  beforeAll(async () => {
    store = await start();
    agents = await store.names("asker");
    const policy = { actions: [{ name: "export", approval_needed: true }], limits: { daily_budget: 1000 } };
    pair = await startPair({
      store: store.place,
      agents: Object.fromEntries(agents.map((agent) => [agent, policy])),
      env: { COUNTERSIGN_STORE_TIMEOUT: "20s" },
    });
  });
  afterAll(async () => {
    await pair?.stop();
    await store?.stop();
  });
  beforeEach(() => awayFromMidnight(60_000), 120_000);

  const agentOf = (n: number): string => agents[n % agents.length] ?? "";

  /** Asks for a call, has it approved on the other process, and gives the call with the token from the first one. */
  async function approved(n: number): Promise<{ id: string; call: PairCall }> {
    const call = { agent: agentOf(n), query: `n=${n}` };
    const asked = await pair.of(n).check(call);
    expect(asked.reason).toBe("approval_needed");
    const path = `/v1/approvals/${asked.problem?.approval?.id}`;
    const answer = await pair.of(n + 1).ask(`${path}/decision`, { body: { decision: "approve" } });
    expect(JSON.parse(answer.body)).toMatchObject({ status: "approved" });
    const shown = await pair.of(n).ask(path, { token: await pair.token(call.agent) });
    const { id, override_token: override } = JSON.parse(shown.body) as { id: string; override_token: string };
    return { id, call: { ...call, override } };
  }

  async function spent(): Promise<number> {
    const budgets = await Promise.all(
      agents.map(async (agent) => {
        const usages = await Promise.all(pair.members.map(({ ask }) => ask(`/v1/usage/${agent}`)));
        const [one, other] = usages.map(({ body }) => JSON.parse(body).enforced.daily_budget.used as number);
        expect(one).toBe(other);
        return one ?? Number.NaN;
      }),
    );
    return budgets.reduce((sum, used) => sum + used, 0);
  }

  async function recordsOf(ids: readonly string[]): Promise<Map<string, AuditLine[]>> {
    const records = (await Promise.all(pair.members.map(({ audit }) => auditRecords(audit)))).flat();
    const byId = new Map(ids.map((id): [string, AuditLine[]] => [id, []]));
    for (const record of records) {
      const [human] = (record.human_approval ?? []) as { approval_id: string }[];
      if (record.kind === "decision" && human) byId.get(human.approval_id)?.push(record);
    }
    return byId;
  }

  test("of 100 simultaneous redemptions exactly one passes, pays and is on record, of each of 21 approvals", async () => {
    const count = approvalsOfEach * agents.length;
    const all: { id: string; answers: Checked[] }[] = [];
    for (let n = 0; n < count; n++) {
      const { id, call } = await approved(n);
      const answers = await crowd(
        redemptions,
        (m) => m < redemptions,
        (m) => pair.of(m).check(call),
      );
      all.push({ id, answers });
    }
    for (const { answers } of all) {
      expect(tally(answers.map(({ reason }) => reason))).toEqual({ allowed: 1, override_used: redemptions - 1 });
    }
    expect(await spent()).toBe(count);
    const records = await recordsOf(all.map(({ id }) => id));
    for (const { id, answers } of all) {
      const { decisionId } = answers.find(({ allowed }) => allowed) ?? {};
      expect(records.get(id)).toMatchObject([{ decision: "allow", decision_id: decisionId }]);
    }
    const byFirst = all.filter(({ answers }) => answers.findIndex(({ allowed }) => allowed) % 2 === 0).length;
    tell(
      `${count * redemptions} redemptions of ${count} approvals over 2 processes: ${count} passed ` +
        `(${byFirst} by one process, ${count - byFirst} by the other), 0 double spends`,
    );
  });

  test("the same call sent again, on either process, is the one that passed and not a second one", async () => {
    const { id, call } = await approved(1000);
    const before = await spent();
    const again = { ...call, stream: "one-stream" };
    const answers = await crowd(
      8,
      (n) => n < 8,
      (n) => pair.of(n).check(again),
    );
    expect(answers.map(({ reason }) => reason)).toEqual(Array(8).fill("allowed"));
    expect((await pair.of(0).check(call)).reason).toBe("override_used");
    expect((await pair.of(0).check({ ...again, query: "n=1001" })).reason).not.toBe("allowed");
    expect(await spent()).toBe(before + 1);
    // Each of them is a decision that was asked for, about the same approval.
    expect((await recordsOf([id])).get(id)).toHaveLength(8);
    expect(await pair.verified()).toEqual(Array(2).fill("every signature and every link holds"));
  });
});

import fc from "fast-check";
import { indicators, integrities, type SessionState } from "../../src/session.js";
import { becomes } from "../../src/store/observed.js";
import { type KeptSession, remembered, withUnbound } from "../../src/store/sessions.js";
import type { Charge, Observation, SettleRequest } from "../../src/store/store.js";
import { callOf, draftOf, type Subject, unique } from "./subject.js";

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** What is to be remembered of an ordinary call. */
export function seen(more: Partial<Observation> = {}): Observation {
  return {
    session: "session-1",
    bound: true,
    known: {},
    ttlMs: dayMs,
    outcome: "passed",
    refusal: null,
    detail: "deploy-api:deploy",
    tool: "deploy-api",
    classification: [],
    tags: [],
    indicators: [],
    outside: null,
    burst: { refusals: 3, withinMs: minuteMs },
    learningMs: hourMs,
    ...more,
  };
}

const refused = (refusal: string, more: Partial<Observation> = {}) => seen({ outcome: "refused", refusal, ...more });

export function sessionsConformance(subject: () => Subject, runs: number): void {
  const observe = (agent: string, observation: Observation, more: Partial<SettleRequest> = {}, charge: Charge = {}) =>
    subject().store.settle(callOf(agent, charge, { observation, ...more }));
  const lookAt = async (agent: string, session = "session-1", tool: string | null = null) =>
    subject().store.look({ agent, session, tool, learningMs: hourMs, approval: null });
  const state = async (agent: string, session?: string): Promise<SessionState> => {
    const { session: found } = await lookAt(agent, session);
    if (found === null) throw new Error("nothing is remembered of the session");
    return found;
  };

  test("a session that nobody saw is none, and looking at it leaves nothing", async () => {
    const agent = unique("agent");
    expect(await lookAt(agent)).toEqual({ session: null, newTool: false, approval: null });
    expect(await lookAt(agent)).toEqual({ session: null, newTool: false, approval: null });
    expect(await subject().store.sessionAgents(unique("session"))).toEqual([]);
  });

  test("settling tells the session as it was before", async () => {
    const agent = unique("agent");
    const known = { workflow_run_id: "run-7", initiated_by: "alice@example.com", role: "käse ☃", clearance: "tier-1" };
    expect((await observe(agent, seen({ classification: ["pii"], known }))).session).toBeNull();
    const { session } = await observe(agent, seen());
    expect(session).toMatchObject({ calls: 1, passed: 1, refused: 0, classification: ["pii"], anomalies: 0, known });
    expect(session?.tools).toEqual(["deploy-api"]);
    expect((await state(agent)).calls).toBe(2);
    expect((await state(agent)).known).toEqual({});
  });

  test("without an observation nothing is remembered", async () => {
    const agent = unique("agent");
    expect((await subject().store.settle(callOf(agent, {}))).session).toBeNull();
    expect((await lookAt(agent, `open:${agent}`)).session).toBeNull();
  });

  test("data counts for calls that were let through, tags for all of them", async () => {
    const agent = unique("agent");
    await observe(agent, refused("max_replicas", { classification: ["pii"], tags: ["secret"] }));
    await observe(agent, seen({ outcome: "asked", classification: ["phi"] }));
    expect(await state(agent)).toMatchObject({
      classification: ["secret"],
      tools: [],
      calls: 2,
      passed: 0,
      refused: 1,
    });
    await observe(agent, seen({ classification: ["pii", "config"] }));
    expect((await state(agent)).classification).toEqual(["config", "pii", "secret"]);
  });

  test("what a limit refuses is a refusal with the limit's code", async () => {
    const agent = unique("agent");
    const hourly: Charge = { rate: { intervalUs: hourMs * 1000, burst: 1 } };
    await observe(agent, seen({ classification: ["config"] }), {}, hourly);
    await observe(agent, seen({ classification: ["pii"] }), {}, hourly);
    const found = await state(agent);
    expect(found).toMatchObject({ calls: 2, passed: 1, refused: 1, classification: ["config"], anomalies: 1 });
    expect(found.recent.map(({ reason }) => reason)).toEqual(["rate_exceeded"]);
  });

  test("so is what an approval refuses, and a redeemed one passes", async () => {
    const agent = unique("agent");
    const redeem = { kind: "redeem", id: "apr-none", fingerprint: "fp" } as const;
    await observe(agent, seen({ classification: ["pii"] }), { approval: redeem });
    const draft = draftOf(agent);
    const open = { kind: "open", draft, maxPending: 1 } as const;
    await observe(agent, seen({ outcome: "asked" }), { approval: open });
    const more = { kind: "open", draft: draftOf(agent), maxPending: 1 } as const;
    await observe(agent, seen({ outcome: "asked" }), { approval: more });
    const answer = { approver: "bob", decision: "approve", at: "2030-01-01T00:00:00.000Z", proof: "p" } as const;
    await subject().store.answer(draft.id, answer);
    const redeemed = { kind: "redeem", id: draft.id, fingerprint: draft.fingerprint } as const;
    await observe(agent, seen({ classification: ["config"] }), { approval: redeemed });
    await observe(agent, seen({ classification: ["phi"] }), { approval: redeemed });
    const found = await state(agent);
    expect(found).toMatchObject({ calls: 5, passed: 1, refused: 3, classification: ["config"] });
    expect(found.recent.map(({ reason }) => reason)).toEqual([
      "override_invalid",
      "approvals_exceeded",
      "override_used",
    ]);
  });

  test("a settled key is remembered once", async () => {
    const agent = unique("agent");
    const charge: Charge = { rate: { intervalUs: 1000, burst: 10 } };
    const request = callOf(agent, charge, { observation: seen() });
    await subject().store.settle(request);
    expect(await subject().store.settle(request)).toMatchObject({ replayed: true, session: null });
    expect((await state(agent)).calls).toBe(1);
  });

  test("refusals within the time are a burst, each burst once, spread ones are none", async () => {
    const agent = unique("agent");
    for (let n = 0; n < 6; n++) await observe(agent, refused("max_replicas"));
    expect((await state(agent)).indicators).toEqual({ denied_burst: 2 });
    const calm = unique("agent");
    for (let n = 0; n < 6; n++) {
      await observe(calm, refused("max_replicas"));
      await subject().advance(calm, minuteMs / 2 + 5_000);
    }
    expect((await state(calm)).indicators).toEqual({});
    expect((await state(calm)).anomalies).toBe(6);
  });

  test("an indicator counts, once also where it is the reason of the refusal", async () => {
    const agent = unique("agent");
    await observe(agent, refused("scope_exceeded", { indicators: ["scope_exceeded"] }));
    await observe(agent, seen({ indicators: ["prompt_injection"] }));
    const found = await state(agent);
    expect(found.indicators).toEqual({ scope_exceeded: 1, prompt_injection: 1 });
    expect(found.recent.map(({ reason, detail }) => [reason, detail])).toEqual([
      ["scope_exceeded", "deploy-api:deploy"],
      ["prompt_injection", "deploy-api:deploy"],
    ]);
  });

  test("the newest anomalies are kept whole, the others counted", async () => {
    const agent = unique("agent");
    for (let n = 0; n < 25; n++) await observe(agent, refused(`max_n${n}`, { burst: { refusals: 100, withinMs: 1 } }));
    const found = await state(agent);
    expect(found.anomalies).toBe(25);
    expect(found.recent.map(({ reason }) => reason)).toEqual(Array.from({ length: 20 }, (_, n) => `max_n${n + 5}`));
  });

  test("a tool is new when the agent is known for long enough and never used it", async () => {
    const agent = unique("agent");
    expect((await lookAt(agent, "s", "deploy-api")).newTool).toBe(false);
    await observe(agent, seen({ tool: "deploy-api" }));
    expect((await lookAt(agent, "s", "billing")).newTool).toBe(false);
    await subject().advance(agent, 2 * hourMs);
    expect((await lookAt(agent, "s", "deploy-api")).newTool).toBe(false);
    expect((await lookAt(agent, "s", "billing")).newTool).toBe(true);
    await observe(agent, refused("max_replicas", { tool: "billing" }));
    expect((await lookAt(agent, "s", "billing")).newTool).toBe(true);
    await observe(agent, seen({ tool: "billing", session: "session-2" }));
    expect((await state(agent, "session-2")).recent.map(({ reason }) => reason)).toEqual(["new_tool"]);
    await observe(agent, seen({ tool: "billing", session: "session-3" }));
    expect((await state(agent, "session-3")).recent).toEqual([]);
  });

  test("the worst that attestations said stays, and the newest time", async () => {
    const agent = unique("agent");
    const outside = { classification: ["phi"], anomalies: false } as const;
    await observe(agent, seen({ outside: { ...outside, signedAtMs: 2_000, integrity: "suspect" } }));
    await observe(
      agent,
      refused("rego", { outside: { ...outside, signedAtMs: 1_000, integrity: "clean", anomalies: true } }),
    );
    expect(await state(agent)).toMatchObject({
      outside: { seenMs: 2_000, integrity: "suspect", anomalies: true },
      classification: ["phi"],
    });
  });

  test("the open session knows of everything that is bad about the agent's other sessions", async () => {
    const agent = unique("agent");
    await observe(agent, seen());
    expect((await lookAt(agent, `open:${agent}`)).session).toBeNull();
    await observe(agent, seen({ classification: ["pii"] }));
    await observe(agent, refused("scope_exceeded", { session: "session-2", indicators: ["scope_exceeded"] }));
    const open = await state(agent, `open:${agent}`);
    expect(open).toMatchObject({ classification: ["pii"], indicators: { scope_exceeded: 1 }, anomalies: 1, calls: 0 });
    expect((await state(agent, "session-2")).classification).toEqual([]);
    await observe(agent, seen({ session: `open:${agent}`, bound: false }));
    expect(await state(agent, `open:${agent}`)).toMatchObject({ classification: ["pii"], calls: 1, passed: 1 });
  });

  test("every session knows of data and indicators of calls that belong to none, and of no mere refusal", async () => {
    const agent = unique("agent");
    const outside = { session: `open:${agent}`, bound: false } as const;
    await observe(agent, refused("max_replicas", outside));
    await observe(agent, seen({ session: "session-1" }));
    expect(await state(agent)).toMatchObject({ classification: [], anomalies: 0 });
    await observe(agent, seen({ ...outside, classification: ["pii"] }));
    await observe(agent, refused("unknown_tool", { ...outside, indicators: ["unknown_tool"] }));
    for (const session of ["session-1", "session-2"]) {
      expect(await state(agent, session)).toMatchObject({
        classification: ["pii"],
        indicators: { unknown_tool: 1 },
        anomalies: 1,
        passed: session === "session-1" ? 1 : 0,
      });
    }
    expect((await observe(agent, seen({ session: "session-3" }))).session).toMatchObject({ classification: ["pii"] });
    expect(await state(agent, `open:${agent}`)).toMatchObject({ indicators: { unknown_tool: 1 }, anomalies: 2 });
  });

  test("what limits refuse is no burst", async () => {
    const agent = unique("agent");
    for (let n = 0; n < 6; n++) await observe(agent, refused("rate_exceeded"));
    expect(await state(agent)).toMatchObject({ indicators: {}, anomalies: 6, refused: 6 });
  });

  test("the open session does not forget before a session does that lives on", async () => {
    const agent = unique("agent");
    await observe(agent, seen({ classification: ["pii"], ttlMs: hourMs }));
    for (let n = 0; n < 3; n++) {
      await subject().advance(agent, hourMs - 60_000);
      await observe(agent, seen({ ttlMs: hourMs }));
    }
    expect((await state(agent, `open:${agent}`)).classification).toEqual(["pii"]);
  });

  test("sessions of two agents are two, and are found by their id", async () => {
    const [one, other, session] = [unique("agent"), unique("agent"), unique("session/ü:{x}")];
    await observe(one, seen({ session, classification: ["pii"] }));
    await observe(other, seen({ session }));
    expect((await state(other, session)).classification).toEqual([]);
    expect(await subject().store.sessionAgents(session)).toEqual([one, other].sort());
  });

  test("a session is forgotten so long after its last call, and not before", async () => {
    const agent = unique("agent");
    await observe(agent, seen({ classification: ["pii"], ttlMs: hourMs }));
    await subject().advance(agent, hourMs - 30_000);
    await observe(agent, seen({ ttlMs: hourMs }));
    await subject().advance(agent, hourMs - 30_000);
    expect((await state(agent)).classification).toEqual(["pii"]);
    await subject().advance(agent, minuteMs);
    expect((await lookAt(agent)).session).toBeNull();
  });

  test("one look brings the session and the approval, of this agent only", async () => {
    const [agent, other] = [unique("agent"), unique("agent")];
    const draft = draftOf(agent);
    await observe(agent, seen({ outcome: "asked" }), { approval: { kind: "open", draft, maxPending: 9 } });
    const request = { session: "session-1", tool: null, learningMs: 0, approval: draft.id };
    const found = await subject().store.look({ ...request, agent });
    expect(found.approval).toMatchObject({ id: draft.id, status: "pending", fingerprint: draft.fingerprint });
    expect(found.session).toMatchObject({ calls: 1, passed: 0, refused: 0 });
    expect((await subject().store.look({ ...request, agent: other })).approval).toBeNull();
  });

  test("what no store should see is refused", async () => {
    const agent = unique("agent");
    const bad: Partial<Observation>[] = [
      { session: "" },
      { session: "\ud800" },
      { tool: "" },
      { classification: [""] },
      { ttlMs: 0 },
      { burst: { refusals: 1, withinMs: 1 } },
      { refusal: "max_replicas" },
      { detail: "" },
      { detail: "cut \ud83d" },
      { outcome: "refused", refusal: "cut \ud83d" },
      { known: { role: "\ud83d" } },
      { outcome: "refused" },
    ];
    for (const more of bad) await expect(observe(agent, seen(more))).rejects.toThrow(RangeError);
  });

  const names = fc.constantFrom("pii", "phi", "config");
  const few = <T>(value: fc.Arbitrary<T>) => fc.uniqueArray(value, { maxLength: 2 });
  const observations = fc
    .record({
      outcome: fc.constantFrom("passed", "passed", "refused", "asked"),
      session: fc.constantFrom("session-1", "session-2", "open"),
      reason: fc.constantFrom("max_replicas", "scope_exceeded", "rego", "rate_exceeded"),
      detail: fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
      tool: fc.constantFrom("deploy-api", "billing", null),
      classification: few(names),
      tags: few(names),
      indicators: few(fc.constantFrom(...indicators)),
      outside: fc.option(
        fc.record({
          signedAtMs: fc.integer({ min: 0, max: 1e13 }),
          classification: few(names),
          integrity: fc.constantFrom(...integrities),
          anomalies: fc.boolean(),
        }),
      ),
    })
    .map(({ reason, session, ...drawn }) => ({
      ...drawn,
      session,
      bound: session !== "open",
      refusal: drawn.outcome === "refused" ? reason : null,
    }));

  test("any calls are remembered as the model says", async () => {
    const property = fc.asyncProperty(fc.array(observations, { minLength: 1, maxLength: 12 }), async (calls) => {
      const agent = unique("agent");
      const open = `open:${agent}`;
      const model = new Map<string, KeptSession>();
      let unbound: KeptSession | null = null;
      for (const drawn of calls) {
        const session = drawn.bound ? drawn.session : open;
        const observation = seen({ ...drawn, session, learningMs: dayMs });
        await observe(agent, observation);
        const settled = { enforced: { outcome: "ok" }, approval: { outcome: "none" } } as const;
        const effective = { ...becomes(observation, settled), newTool: false };
        const after = remembered(model.get(session) ?? null, observation, effective, 0);
        model.set(session, after.state);
        if (drawn.bound && after.worse) model.set(open, after.worse(model.get(open) ?? null));
        if (!drawn.bound && after.unbound) unbound = after.unbound(unbound);
      }
      for (const [session, own] of model) {
        const wanted = withUnbound(session, own, unbound) ?? own;
        expect(timeless(await state(agent, session))).toEqual(timeless(wanted));
      }
    });
    await fc.assert(property, { numRuns: runs });
  });
}

/** Times are the store's own. */
function timeless({ startedMs: _, lastMs: __, recent, ...state }: SessionState & { refusals?: unknown }) {
  const { refusals: ___, ...rest } = state;
  return { ...rest, recent: recent.map(({ reason, detail }) => `${reason} ${detail}`).sort() };
}

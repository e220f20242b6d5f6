import type { Counted } from "../../src/stats/counted.js";
import { blockedOf, mostNames, StatsWindow } from "../../src/stats/window.js";

let nowMs: number;
let window: StatsWindow;
beforeEach(() => {
  nowMs = Date.parse("2026-03-01T12:00:30Z");
  window = new StatsWindow(() => nowMs);
});

const minute = 60_000;
function count(more: Partial<Counted> = {}): void {
  const passed = { decision: "allow", enforced: "allow", fate: "passed", rules: [] as string[] } as const;
  window.count({ atMs: nowMs, count: 1, agent: "a", latencyUs: 400, ...passed, ...more });
}
const denied = (rule: string) =>
  ({ decision: "deny", enforced: "deny", fate: "blocked", rules: [rule] as string[] }) as const;
const shadowed = (rule: string) =>
  ({ decision: "deny", enforced: "allow", fate: "would_block", rules: [rule] as string[] }) as const;
const calls = (seen: ReturnType<StatsWindow["see"]>) =>
  seen.steps.map(({ enforced }) => Object.values(enforced).reduce((sum, one) => sum + one, 0));

test("what is counted is seen, by what was done and by what was decided", () => {
  count();
  count({ ...denied("max_jobs") });
  count({ ...shadowed("windows"), agent: "b" });
  count({ decision: "sanitize", enforced: "sanitize" });
  const { steps, agents, rules } = window.see(1, 60);
  expect(steps.at(-1)).toMatchObject({
    atMs: Date.parse("2026-03-01T12:00:00Z"),
    enforced: { allow: 2, sanitize: 1, approval_needed: 0, deny: 1 },
    decided: { allow: 1, sanitize: 1, approval_needed: 0, deny: 2 },
    would_block: 1,
  });
  expect(agents).toEqual([
    { who: "agent", agent_id: "a", calls: 3, blocked: 1, would_block: 0 },
    { who: "agent", agent_id: "b", calls: 1, blocked: 0, would_block: 1 },
  ]);
  expect(rules).toEqual([
    { rule: "max_jobs", blocked: 1, would_block: 0 },
    { rule: "windows", blocked: 0, would_block: 1 },
  ]);
  expect(steps.slice(0, -1).every(({ enforced }) => blockedOf(enforced) === 0)).toBe(true);
});

test("a minute ends where the clock's does", () => {
  nowMs = Date.parse("2026-03-01T12:02:59.999Z");
  for (const at of ["12:00:59.999", "12:01:00.000", "12:01:59.999", "12:02:00.000"]) {
    count({ atMs: Date.parse(`2026-03-01T${at}Z`) });
  }
  expect(calls(window.see(1, 3))).toEqual([1, 2, 1]);
  expect(calls(window.see(5, 2))).toEqual([0, 4]);
  nowMs += 1;
  expect(calls(window.see(1, 3))).toEqual([2, 1, 0]);
});

test("a day is kept, and what is older or not yet is not counted", () => {
  const start = nowMs;
  count({ count: 5 });
  nowMs += 1_439 * minute;
  expect(calls(window.see(15, 96)).reduce((a, b) => a + b)).toBe(5);
  nowMs += minute;
  count({ atMs: start });
  count({ atMs: nowMs + minute });
  count({ atMs: Number.NaN });
  expect(calls(window.see(15, 96)).reduce((a, b) => a + b)).toBe(0);
  count({ count: 2 });
  expect(calls(window.see(1, 1_440)).reduce((a, b) => a + b)).toBe(2);
});

test("a clock that goes back does not show what is not yet", () => {
  count({ count: 3 });
  nowMs -= 10 * minute;
  expect(calls(window.see(1, 60)).reduce((a, b) => a + b)).toBe(0);
  count();
  expect(calls(window.see(1, 60)).reduce((a, b) => a + b)).toBe(1);
});

test("many calls in one record are many everywhere", () => {
  count({ ...denied("rate_exceeded"), count: 1_000_000, latencyUs: 90 });
  count({ latencyUs: 10_000 });
  const { agents, rules, latency, steps } = window.see(1, 60);
  expect(agents).toEqual([{ who: "agent", agent_id: "a", calls: 1_000_001, blocked: 1_000_000, would_block: 0 }]);
  expect(rules).toEqual([{ rule: "rate_exceeded", blocked: 1_000_000, would_block: 0 }]);
  expect(blockedOf(steps.at(-1)?.enforced ?? { allow: 0, sanitize: 0, approval_needed: 0, deny: 0 })).toBe(1_000_000);
  expect(Math.abs((latency.p99_us ?? 0) - 90)).toBeLessThan(5);
});

test("callers whom nobody knows are apart from an agent that is called so", () => {
  count({ ...denied("credential_missing"), agent: null });
  count({ agent: "unknown" });
  expect(window.see(1, 60).agents).toEqual([
    { who: "unknown", agent_id: null, calls: 1, blocked: 1, would_block: 0 },
    { who: "agent", agent_id: "unknown", calls: 1, blocked: 0, would_block: 0 },
  ]);
});

describe("a flood of names", () => {
  const named = () => window.see(15, 96).agents.filter(({ who }) => who === "agent");
  const sum = () => window.see(15, 96).agents.reduce((all, one) => all + one.calls, 0);

  test("is bounded, and no call is lost", () => {
    for (let i = 0; i < 20_000; i++) {
      if (i % 1_000 === 0) nowMs += minute;
      count({ ...denied(`max_p${i}`), agent: `agent-${i}` });
    }
    expect(named().length).toBeLessThanOrEqual(mostNames);
    const { rules } = window.see(15, 96);
    expect(rules.length).toBeLessThanOrEqual(mostNames + 1);
    expect(rules.reduce((all, one) => all + one.blocked, 0)).toBe(20_000);
    expect(sum()).toBe(20_000);
  });

  test("does not hide who offends most, be it before or after", () => {
    for (let i = 0; i < 50; i++) count({ ...denied("deny_actions"), agent: "early" });
    for (let i = 0; i < 5_000; i++) count({ agent: `agent-${i}` });
    nowMs += minute;
    for (let i = 0; i < 40; i++) count({ ...denied("deny_actions"), agent: "late" });
    const [first, second] = named();
    expect(first).toMatchObject({ agent_id: "early", blocked: 50 });
    expect(second).toMatchObject({ agent_id: "late", blocked: 40 });
    expect(sum()).toBe(5_090);
  });

  test("takes little memory over a whole day", () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1_440; i++) {
      nowMs += minute;
      for (let name = 0; name < mostNames; name++) count({ ...denied(`max_p${name}`), agent: `agent-${name}` });
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1024 * 1024);
  });
});

import type { Counted } from "../../src/stats/counted.js";
import { seenIn } from "../../src/stats/seen.js";
import { StatsWindow } from "../../src/stats/window.js";

const nowMs = Date.parse("2026-03-01T12:00:40Z");
const blocked = (n: number): Counted => ({
  atMs: nowMs - (n % 7) * 60_000,
  count: 1 + (n % 3),
  agent: n % 5 === 0 ? null : `agent-${n % 4}`,
  decision: n % 2 ? "deny" : "allow",
  enforced: n % 2 ? "deny" : "allow",
  fate: n % 2 ? "blocked" : "passed",
  rules: n % 2 ? [`rule-${n % 3}`] : [],
  latencyUs: 1 + ((n * n * 37) % 100_000),
});

test("what several processes counted is what one would have counted", () => {
  const one = new StatsWindow(() => nowMs);
  const several = [1, 2, 3].map(() => new StatsWindow(() => nowMs));
  for (let n = 0; n < 500; n++) {
    one.count(blocked(n));
    several[(n * 7) % 3]?.count(blocked(n));
  }
  const seen = seenIn(several.map((window) => structuredClone(window.numbers(1, 60))));
  const wanted = one.see(1, 60);
  expect({ ...seen, agents: [], rules: [] }).toEqual({ ...wanted, agents: [], rules: [] });
  expect(seen.agents).toHaveLength(wanted.agents.length);
  expect(seen.agents).toEqual(expect.arrayContaining(wanted.agents));
  expect(seen.rules).toEqual(expect.arrayContaining(wanted.rules));
  expect(wanted.latency.p99_us).not.toBeNull();
});

test("a step that only another process has begun is left for the next look", () => {
  const [now, later] = [new StatsWindow(() => nowMs), new StatsWindow(() => nowMs + 60_000)];
  later.count({ ...blocked(1), atMs: nowMs + 60_000 });
  later.count({ ...blocked(1), atMs: nowMs });
  const { steps } = seenIn([now.numbers(1, 3), later.numbers(1, 3)]);
  expect(steps.map(({ enforced }) => enforced.deny)).toEqual([0, 0, 2]);
});

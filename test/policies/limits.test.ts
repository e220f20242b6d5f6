import { lowestLimits } from "../../src/policies/limits.js";
import type { PolicySource } from "../../src/policies/schema.js";
import type { Mode } from "../../src/verdict.js";

const of = (...sources: [PolicySource["limits"], Mode?][]) =>
  lowestLimits(sources.map(([limits, mode = "enforce"]) => ({ limits, mode })));

test.each([
  ["5/s", { interval_us: 200_000, burst: 5 }],
  ["3/s", { interval_us: 333_334, burst: 3 }],
  ["100/m", { interval_us: 600_000, burst: 100 }],
  ["1000/h", { interval_us: 3_600_000, burst: 1_000 }],
  ["1/d", { interval_us: 86_400_000_000, burst: 1 }],
  ["999999999/s", { interval_us: 1, burst: 999_999_999 }],
])("rate %s", (rate, wanted) => expect(of([{ rate }])).toEqual({ enforced: { rate: wanted } }));

test("a burst takes the place of one period's worth", () => {
  expect(of([{ rate: "5/s", burst: 20 }])).toEqual({ enforced: { rate: { interval_us: 200_000, burst: 20 } } });
});

test.each([
  [100, 100_000_000],
  [0.1, 100_000],
  [0.000001, 1],
  [0, 0],
])("a daily budget of %p", (daily_budget, micro) => {
  expect(of([{ daily_budget }])).toEqual({ enforced: { daily_budget_micro: micro } });
});

test("the budget of a session is counted as that of a day", () => {
  expect(of([{ session_budget: 0.25 }])).toEqual({ enforced: { session_budget_micro: 250_000 } });
});

test("a tool has a rate as an agent has", () => {
  expect(of([{ tools: { a: { rate: "5/s" }, b: { rate: "1/m", burst: 3 } } }])).toEqual({
    enforced: { tools: { a: { interval_us: 200_000, burst: 5 }, b: { interval_us: 60_000_000, burst: 3 } } },
  });
});

test("no limits are no limits", () => {
  expect(of()).toEqual({});
  expect(of([undefined], [undefined, "shadow"])).toEqual({});
});

test("of several files the lowest of each holds", () => {
  expect(
    of([{ rate: "10/s", burst: 2, daily_budget: 5 }], [undefined], [{ rate: "1/s", burst: 9 }], [{ daily_budget: 3 }]),
  ).toEqual({
    enforced: { rate: { interval_us: 1_000_000, burst: 2 }, daily_budget_micro: 3_000_000 },
  });
});

test("each mode has limits of its own", () => {
  expect(of([{ rate: "10/s" }], [{ rate: "1/s" }, "shadow"], [{ daily_budget: 1 }, "shadow"])).toEqual({
    enforced: { rate: { interval_us: 100_000, burst: 10 } },
    shadow: { rate: { interval_us: 1_000_000, burst: 1 }, daily_budget_micro: 1_000_000 },
  });
});

test("of each tool the lowest rate and the lowest burst hold, whatever other tools have", () => {
  expect(
    of(
      [{ rate: "9/s", tools: { a: { rate: "10/s", burst: 2 }, b: { rate: "1/s" } }, session_budget: 5 }],
      [{ tools: { a: { rate: "1/s", burst: 9 }, c: { rate: "3/s" } }, session_budget: 4, daily_budget: 3 }],
      [{ session_budget: 6 }],
    ),
  ).toEqual({
    enforced: {
      rate: { interval_us: 111_112, burst: 9 },
      tools: {
        a: { interval_us: 1_000_000, burst: 2 },
        b: { interval_us: 1_000_000, burst: 1 },
        c: { interval_us: 333_334, burst: 3 },
      },
      daily_budget_micro: 3_000_000,
      session_budget_micro: 4_000_000,
    },
  });
});

test("a tool may be named as something that every object has", () => {
  const tools = { constructor: { rate: "1/s" }, valueOf: { rate: "2/s" } };
  const compiled = of([{ tools }], [{ tools: { toString: { rate: "3/s" } } }]).enforced?.tools;
  expect(Object.keys(compiled ?? {}).sort()).toEqual(["constructor", "toString", "valueOf"]);
  expect(compiled?.constructor).toEqual({ interval_us: 1_000_000, burst: 1 });
});

test("what tools and sessions are held to in shadow is apart", () => {
  expect(
    of([{ tools: { a: { rate: "1/s" } } }, "shadow"], [{ session_budget: 1 }, "shadow"], [{ rate: "1/s" }]),
  ).toEqual({
    enforced: { rate: { interval_us: 1_000_000, burst: 1 } },
    shadow: { tools: { a: { interval_us: 1_000_000, burst: 1 } }, session_budget_micro: 1_000_000 },
  });
});

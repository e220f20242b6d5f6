import { dayMs, spend } from "../../src/store/budget.js";

const day = 20_000;
const noon = day * dayMs + dayMs / 2;

test.each([
  ["the first cost of a day", null, 10, 3, { covers: true, state: { day, spentMicro: 3 } }],
  ["the last unit", { day, spentMicro: 7 }, 10, 3, { covers: true, state: { day, spentMicro: 10 } }],
  ["one too many", { day, spentMicro: 8 }, 10, 3, { covers: false, spentMicro: 8, retryAfterMs: dayMs / 2 }],
  ["cost 0 above a lowered limit", { day, spentMicro: 8 }, 5, 0, { covers: true, state: { day, spentMicro: 8 } }],
  ["yesterday's spending", { day: day - 1, spentMicro: 9 }, 10, 3, { covers: true, state: { day, spentMicro: 3 } }],
  [
    "a clock a day back",
    { day: day + 1, spentMicro: 9 },
    10,
    3,
    { covers: false, spentMicro: 9, retryAfterMs: 1.5 * dayMs },
  ],
  ["a clock far back", { day: day + 2, spentMicro: 9 }, 10, 3, { covers: true, state: { day, spentMicro: 3 } }],
])("%s", (_, state, limitMicro, costMicro, wanted) => {
  expect(spend(noon, state, { limitMicro, costMicro })).toEqual(wanted);
});

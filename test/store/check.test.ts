import { checkFilter, checkSettle, isCountable, maxExpiresInMs } from "../../src/store/check.js";
import { callOf, draftOf } from "./subject.js";

const day = 86_400_000_000;

test.each([
  [1, 1, true],
  [1, 2 ** 52, true],
  [1, 2 ** 52 + 1, false],
  [2, 2 ** 51, true],
  [day, 52_124, true],
  [day, 52_125, false],
  [day, 1_000_000, false],
  [0, 1, false],
  [1, 0, false],
  [1.5, 2, false],
  [-1, -1, false],
  [Number.NaN, 1, false],
  [1, Number.POSITIVE_INFINITY, false],
])("an interval of %d us with a burst of %d can be counted: %p", (intervalUs, burst, countable) => {
  expect(isCountable({ intervalUs, burst })).toBe(countable);
  const check = expect(() => checkSettle(callOf("a", { rate: { intervalUs, burst } })));
  if (countable) check.not.toThrow();
  else check.toThrow(RangeError);
});

test.each([
  ["no room for any", 0, {}],
  ["half of one", 0.5, {}],
  ["no number", Number.NaN, {}],
  ["a millisecond too much", 1, { expiresInMs: maxExpiresInMs + 1 }],
  ["no time", 1, { expiresInMs: 0 }],
  ["nobody to approve", 1, { quorum: 0 }],
])("an approval with %s is refused", (_, maxPending, more) => {
  const request = (draft: ReturnType<typeof draftOf>, most: number) => () =>
    checkSettle(callOf("a", {}, { approval: { kind: "open", draft, maxPending: most } }));
  expect(request(draftOf("a"), 1)).not.toThrow();
  expect(request(draftOf("a", more), maxPending)).toThrow(RangeError);
});

test.each([{ limit: 0 }, { limit: 1001 }, { limit: 1, agent: "" }, { limit: 1, agent: "\ud800" }])(
  "the filter %p is refused",
  (filter) => expect(() => checkFilter(filter)).toThrow(RangeError),
);

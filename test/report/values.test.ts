import fc from "fast-check";
import { roundUp, Values } from "../../src/report/values.js";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 });

test("the nearest-rank percentile is what sorting gives, while nothing is rounded", () => {
  const percents = fc.integer({ min: 1, max: 100_000 });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1 }), percents, (numbers, thousandths) => {
      const values = new Values();
      for (const number of numbers) values.add(number);
      const sorted = numbers.toSorted((a, b) => a - b);
      const rank = Number((BigInt(thousandths) * BigInt(numbers.length) + 99_999n) / 100_000n);
      expect(values.atMost(thousandths / 1_000)).toBe(sorted[rank - 1]);
    }),
  );
});

test.each([
  [99, 100, 99],
  [99.9, 1_000, 999],
  [100, 7, 7],
  [0.001, 10, 1],
])("%d %% of 1 to %d is %d", (percent, count, wanted) => {
  const values = new Values();
  for (let i = 1; i <= count; i++) values.add(i);
  expect(values.atMost(percent)).toBe(wanted);
});

test("there is none of no numbers", () => {
  expect(new Values().atMost(99)).toBe(null);
});

test("beyond the bound numbers are rounded up, so no fewer keep the limit than was asked for", () => {
  fc.assert(
    fc.property(
      fc.array(finite, { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 100 }),
      (numbers, percent) => {
        const values = new Values(10);
        for (const number of numbers) values.add(number);
        const bound = values.atMost(percent) ?? Number.NaN;
        const kept = numbers.filter((number) => number <= bound).length;
        expect(kept * 100).toBeGreaterThanOrEqual(numbers.length * percent);
        expect(values.count).toBe(numbers.length);
      },
    ),
  );
});

test("rounding is never down, and never by more than a unit of the last digit", () => {
  fc.assert(
    fc.property(finite, fc.constantFrom(1, 2, 3, 4), (number, digits) => {
      const rounded = roundUp(number, digits);
      expect(rounded).toBeGreaterThanOrEqual(number);
      expect(rounded - number).toBeLessThanOrEqual(Math.max(1e-300, Math.abs(number) * 10 ** (1 - digits) * 1.001));
    }),
  );
  expect([roundUp(123_456, 4), roundUp(-123_456, 4), roundUp(0, 4), roundUp(9.9999, 2)]).toEqual([
    123_500, -123_400, 0, 10,
  ]);
});

test("memory does not grow with the numbers, and the loss of digits is told", () => {
  const values = new Values(200);
  for (let i = 0; i < 50_000; i++) values.add(1_000 + i * 0.37);
  expect(values.count).toBe(50_000);
  expect(values.digits).toBe(2);
  expect(values.atMost(50)).toBe(11_000);
});

import fc from "fast-check";
import { cellOf, histogramCells, percentileOf } from "../../src/stats/histogram.js";

function histogram(values: readonly number[]): Float64Array {
  const cells = new Float64Array(histogramCells);
  for (const value of values) cells[cellOf(value)] = (cells[cellOf(value)] ?? 0) + 1;
  return cells;
}

const exact = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1] ?? 0;

test("a percentile is off by less than 5 %, or by less than a microsecond", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.double({ min: 0, max: 30, noNaN: true }).map((power) => Math.round(2 ** power)),
        { minLength: 1, maxLength: 500 },
      ),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (values, share) => {
        const wanted = exact(values, share);
        const off = Math.abs((percentileOf(histogram(values), share) ?? Number.NaN) - wanted);
        expect(off).toBeLessThanOrEqual(Math.max(0.05 * wanted, 1));
      },
    ),
    { numRuns: 500 },
  );
});

test("of nothing there is none", () => expect(percentileOf(histogram([]), 0.5)).toBeNull());

test.each([0, -5, Number.NaN, 0.3])("%p counts as the shortest", (value) => expect(cellOf(value)).toBe(0));

test("what takes longer than half an hour counts as that", () => {
  expect(cellOf(2 ** 40)).toBe(histogramCells - 1);
  expect(cellOf(Number.POSITIVE_INFINITY)).toBe(histogramCells - 1);
});

test("cells grow with what they hold", () => {
  const cells = Array.from({ length: 30 }, (_, power) => cellOf(2 ** power));
  expect(cells).toEqual(Array.from({ length: 30 }, (_, power) => power * 8));
});

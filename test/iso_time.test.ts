import fc from "fast-check";
import { isoTime } from "../src/iso_time.js";

const plain = (ms: number) => new Date(ms).toISOString();

test("a time is written as the date writes it, in whichever order times come", () => {
  const near = fc.integer({ min: 1_764_000_000_000, max: 1_764_000_003_000 });
  const any = fc.integer({ min: -8.64e15, max: 8.64e15 });
  const part = fc.double({ min: 1_764_000_000_000, max: 1_764_000_002_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.oneof(near, any, part), { minLength: 1 }), (all) => {
      expect(all.map(isoTime)).toEqual(all.map(plain));
    }),
  );
});

test.each([0, -1, 999, 1_000, 253_402_300_799_999, 253_402_300_800_000])(
  "%d ms is written as the date writes it",
  (ms) => {
    expect(isoTime(ms)).toBe(plain(ms));
  },
);

test.each([Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 1])("%d is no time", (ms) => {
  expect(() => isoTime(ms)).toThrow(RangeError);
});

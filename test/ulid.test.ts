import fc from "fast-check";
import { ulidFactory } from "../src/ulid.js";

const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The number that an id or a part of it stands for. */
function read(text: string): bigint {
  return [...text].reduce((sum, digit) => sum * 32n + BigInt(digits.indexOf(digit)), 0n);
}

/** A source that gives these, one after the other. */
function given(...values: number[]): () => number {
  return () => values.shift() ?? 0;
}

const half = fc.integer({ min: 0, max: 2 ** 40 - 1 });

test("an id is 48 bits of time and 80 random ones, in 26 digits", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), half, half, (ms, upper, lower) => {
      const id = ulidFactory(() => ms, given(upper, lower))();
      expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
      expect(read(id.slice(0, 10))).toBe(BigInt(ms));
      expect(read(id.slice(10))).toBe((BigInt(upper) << 40n) + BigInt(lower));
    }),
  );
});

test("each id sorts behind the one before, whatever the clock does", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 2 }), (times) => {
      const ids = times.map(() => "");
      let at = 0;
      const id = ulidFactory(() => times[at] as number);
      for (at = 0; at < times.length; at++) ids[at] = id();
      expect(ids).toEqual([...new Set(ids)].sort());
    }),
  );
});

test.each<[string, number[], string, string]>([
  ["its lower half", [5, 2 ** 40 - 1], "0000000000", "0000000600000000"],
  ["all of it", [2 ** 40 - 1, 2 ** 40 - 1, 7, 9], "0000000001", "0000000700000009"],
])("where the random part has no room left in %s, the next id is greater all the same", (_, random, time, rest) => {
  const id = ulidFactory(() => 0, given(...random));
  const [first, second] = [id(), id()];
  expect(first < second).toBe(true);
  const again = ulidFactory(() => 0, given(...random));
  again();
  expect(again()).toBe(time + rest);
});

test("by the system's own source no two ids of different milliseconds share their random part", () => {
  let ms = 0;
  const id = ulidFactory(() => ms++);
  const parts = Array.from({ length: 5_000 }, () => id().slice(10));
  expect(new Set(parts).size).toBe(parts.length);
  // Of 5,000 fair draws each digit has about 156 in each place.
  for (let place = 0; place < 16; place++) {
    for (const digit of digits) {
      const share = parts.filter((part) => part[place] === digit).length;
      expect(share).toBeGreaterThan(60);
      expect(share).toBeLessThan(300);
    }
  }
});

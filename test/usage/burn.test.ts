import fc from "fast-check";
import { burnPerHour, exhaustedAtMs } from "../../src/usage/burn.js";

const hourMs = 3_600_000;

test.each<[string, number, [number, number], number]>([
  ["nothing spent", 0, [0, 0], 0],
  ["the hour before counts whole as the hour begins", 0, [0, 60], 60],
  ["half of it in the middle of the hour", hourMs / 2, [10, 60], 40],
  ["none of it as the hour ends", hourMs - 1, [10, 60], 10],
])("%s", (_, elapsed, [hourMicro, hourBeforeMicro], wanted) => {
  expect(burnPerHour(1_900_000 * hourMs + elapsed, { hourMicro, hourBeforeMicro })).toBe(wanted);
});

test.each<[string, number, number, number | null]>([
  ["nothing left is exhausted now", 0, 5, 1000],
  ["nothing spent is never exhausted", 10, 0, null],
  ["half an hour's worth", 50, 100, 1000 + hourMs / 2],
  ["not before the day ends", 100, 1, null],
])("%s", (_, left, perHour, wanted) => {
  expect(exhaustedAtMs(1000, left, perHour, 24 * hourMs)).toBe(wanted);
});

test("a projection lies between now and the end of the day, and spending at that rate leaves nothing then", () => {
  const amount = fc.integer({ min: 1, max: 1e12 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e13 }), amount, amount, (nowMs, left, perHour) => {
      const endsMs = nowMs + 24 * hourMs;
      const atMs = exhaustedAtMs(nowMs, left, perHour, endsMs);
      if (atMs === null) expect((perHour * 24) / left).toBeLessThanOrEqual(1 + 1e-9);
      else {
        expect(atMs).toBeGreaterThanOrEqual(nowMs);
        expect((perHour * (atMs - nowMs)) / hourMs + perHour / hourMs).toBeGreaterThanOrEqual(left * (1 - 1e-9));
      }
    }),
  );
});

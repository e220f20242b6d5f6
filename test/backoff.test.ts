import { backoffMs, retryAfterMs } from "../src/backoff.js";

const within = { firstMs: 1_000, mostMs: 60_000 };

test("the time between tries doubles up to a bound", () => {
  const times = [1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((failures) => backoffMs(failures, within, 0));
  expect(times).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test("it is shortened by up to half, and never to nothing", () => {
  expect(backoffMs(3, within, 0.5)).toBe(3_000);
  expect(backoffMs(3, within, 0.999)).toBe(2_002);
  expect(backoffMs(1, { firstMs: 1, mostMs: 1 }, 0.999)).toBe(1);
});

const now = Date.parse("2026-03-01T14:22:00Z");
test.each<[string | null, number | null]>([
  ["0", 0],
  ["120", 120_000],
  ["Sun, 01 Mar 2026 14:23:00 GMT", 60_000],
  ["Sun, 01 Mar 2026 14:21:00 GMT", 0],
  ["-1", null],
  ["1.5", null],
  ["99999999999", null],
  ["2026-03-01T14:23:00Z", null],
  ["soon", null],
  ["", null],
  [null, null],
])("retry-after %p asks for %p", (header, wanted) => expect(retryAfterMs(header, now)).toBe(wanted));

import { parseDuration } from "../src/duration.js";

test.each([
  ["500ms", 500],
  ["15m", 900_000],
  ["24h", 86_400_000],
  ["1d", 86_400_000],
])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(["", "15", "m", "1.5h", "-1s", "1 s", "1H", "9999999999s"])("%p is no duration", (text) => {
  expect(parseDuration(text)).toBeNull();
});

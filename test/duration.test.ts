import { durationText, parseDuration } from "../src/duration.js";

test.each([
  ["500ms", 500],
  ["15m", 900_000],
  ["24h", 86_400_000],
  ["1d", 86_400_000],
])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(["", "15", "m", "1.5h", "-1s", "1 s", "1H", "9999999999s"])("%p is no duration", (text) => {
  expect(parseDuration(text)).toBeNull();
});

test.each([
  [500, "500ms"],
  [1_000, "1s"],
  [90_000, "90s"],
  [3_600_000, "1h"],
  [172_800_000, "2d"],
])("%d milliseconds are %s, and back", (ms, text) => {
  expect(durationText(ms)).toBe(text);
  expect(parseDuration(text)).toBe(ms);
});

import { momentOf, within } from "../../src/audit/span.js";

const nowMs = Date.parse("2026-03-08T12:00:00Z");

test.each([
  ["2026-03-01T00:00:00Z", "2026-03-01T00:00:00.000Z"],
  ["2026-03-01T00:00:00.25Z", "2026-03-01T00:00:00.250Z"],
  ["2026-03-01T02:00:00+02:00", "2026-03-01T00:00:00.000Z"],
  ["7d", "2026-03-01T12:00:00.000Z"],
  ["90m", "2026-03-08T10:30:00.000Z"],
])("%s is a moment", (text, wanted) => {
  expect(new Date(momentOf(text, nowMs) ?? Number.NaN).toISOString()).toBe(wanted);
});

test.each([
  "",
  "7",
  "-7d",
  "7 d",
  "1w",
  "yesterday",
  "2026-03-01",
  "2026-03-01T00:00:00",
  "2026-02-30T00:00:00Z",
  "2026-03-01T25:00:00Z",
])("%j is none", (text) => expect(momentOf(text, nowMs)).toBe(null));

test("a span has its beginning and not its end", () => {
  const span = { fromMs: nowMs - 1, toMs: nowMs + 1 };
  const at = (ms: number) => new Date(ms).toISOString();
  expect([-2, -1, 0, 1].map((offset) => within(span, at(nowMs + offset)))).toEqual([false, true, true, false]);
});

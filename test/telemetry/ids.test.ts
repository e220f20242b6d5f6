import { randomHex } from "../../src/random.js";
import { newSpanId, newTraceId } from "../../src/telemetry/ids.js";

test.each([
  ["trace", newTraceId, /^(?!0{32})[0-9a-f]{32}$/],
  ["span", newSpanId, /^(?!0{16})[0-9a-f]{16}$/],
])("ids of a %s are of the right size, and no two are alike", (_what, make, form) => {
  const ids = Array.from({ length: 5_000 }, make);
  expect(new Set(ids).size).toBe(5_000);
  for (const id of ids) expect(id).toMatch(form);
});

test("random bytes come from all over the pool, and none of them twice", () => {
  const all = Array.from({ length: 4_000 }, () => randomHex(8));
  expect(new Set(all).size).toBe(4_000);
  expect(new Set(all.join("").match(/../g)).size).toBe(256);
});

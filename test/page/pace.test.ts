import { failurePace, failuresPerMinute } from "../../src/page/pace.js";

test("twenty failures at once, then one every three seconds", () => {
  let now = 0;
  const pace = failurePace(() => now);
  for (let i = 0; i < failuresPerMinute.each; i++) {
    expect(pace.waitMs("10.0.0.1")).toBe(0);
    pace.failed("10.0.0.1");
  }
  expect(pace.waitMs("10.0.0.1")).toBe(3_000);
  expect(pace.waitMs("10.0.0.2")).toBe(0);
  now += 2_999;
  expect(pace.waitMs("10.0.0.1")).toBe(1);
  now += 1;
  expect(pace.waitMs("10.0.0.1")).toBe(0);
  pace.failed("10.0.0.1");
  expect(pace.waitMs("10.0.0.1")).toBe(3_000);
  now += 60_000;
  expect(pace.waitMs("10.0.0.1")).toBe(0);
});

test("who does not fail is not slowed down", () => {
  const pace = failurePace(() => 0);
  for (let i = 0; i < 1_000; i++) expect(pace.waitMs("10.0.0.1")).toBe(0);
});

test("from many addresses together no more than the rate for all", () => {
  let now = 0;
  const pace = failurePace(() => now);
  let let_through = 0;
  for (let i = 0; i < 5_000; i++) {
    if (pace.waitMs(`2001:db8::${i}`) === 0) {
      let_through += 1;
      pace.failed(`2001:db8::${i}`);
    }
    if (i % 1_000 === 999) now += 3_000;
  }
  expect(let_through).toBe(failuresPerMinute.all + (4 * 3 * failuresPerMinute.all) / 60);
});

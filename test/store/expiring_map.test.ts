import { ExpiringMap } from "../../src/store/expiring_map.js";

test("an entry is there until its end, not at it", () => {
  const map = new ExpiringMap<string, number>();
  map.set("__proto__", 1, 100, 0);
  expect(map.get("__proto__", 99)).toBe(1);
  expect(map.get("__proto__", 100)).toBeUndefined();
  expect([...map.values(99)]).toEqual([1]);
  expect([...map.values(100)]).toEqual([]);
});

test("a million entries that end leave only about what is alive", () => {
  const map = new ExpiringMap<number, number>();
  let most = 0;
  for (let n = 0; n < 1_000_000; n++) {
    map.set(n, n, n + 1000, n);
    most = Math.max(most, map.size);
  }
  expect(most).toBeLessThan(2000);
  expect(map.get(999_999, 1_000_000)).toBe(999_999);
});

test("entries that live on are kept while others go", () => {
  const map = new ExpiringMap<string, number>();
  map.set("long", 1, 1_000_000, 0);
  for (let n = 0; n < 10_000; n++) {
    map.set(`short-${n}`, n, n + 1, n);
    if (n % 3 === 0) map.set("long", n, 1_000_000, n);
  }
  expect(map.get("long", 10_000)).toBe(9999);
  expect(map.size).toBeLessThan(20);
});

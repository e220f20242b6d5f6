import fc from "fast-check";
import { RecentMap } from "../src/recent_map.js";

test("what was not touched for the longest time makes room", () => {
  const map = new RecentMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.get("a")).toBe(1);
  map.set("c", 3);
  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([1, undefined, 3]);
  map.set("a", 4);
  map.set("d", 5);
  expect([map.get("a"), map.get("c"), map.get("d")]).toEqual([4, undefined, 5]);
});

test("it never holds more than it may, and always the latest ones", () => {
  const most = 5;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 }), (keys) => {
      const map = new RecentMap<number, number>(most);
      for (const [n, key] of keys.entries()) map.set(key, n);
      const latest = [...new Set([...keys].reverse())].slice(0, most);
      expect(map.size).toBe(latest.length);
      for (const key of latest) expect(map.get(key)).toBe(keys.lastIndexOf(key));
    }),
  );
});

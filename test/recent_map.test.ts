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

test("it is as a map that is put in order anew for each call, whatever is asked of it", () => {
  const key = fc.integer({ min: 0, max: 8 });
  const step = fc.tuple(fc.constantFrom("get", "set", "delete"), key);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 200 }), (most, steps) => {
      const map = new RecentMap<number, number>(most);
      let model: [number, number][] = [];
      for (const [n, [what, key]] of steps.entries()) {
        const before = model.find(([known]) => known === key);
        const others = model.filter((entry) => entry !== before);
        if (what === "get") {
          expect(map.get(key)).toBe(before?.[1]);
          model = before ? [...others, before] : others;
        } else if (what === "set") {
          map.set(key, n);
          model = [...others, [key, n] as [number, number]].slice(-most);
        } else {
          map.delete(key);
          model = others;
        }
        expect(map.size).toBe(model.length);
      }
      for (const [known, value] of model) expect(map.get(known)).toBe(value);
    }),
  );
});

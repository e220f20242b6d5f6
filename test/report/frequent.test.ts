import fc from "fast-check";
import { Frequent } from "../../src/report/frequent.js";

function counted(texts: readonly string[], most: number): Frequent {
  const frequent = new Frequent(most);
  for (const text of texts) frequent.add(text);
  return frequent;
}

test("counts are exact while there is room, the most frequent first", () => {
  const frequent = counted(["b", "a", "b", "c", "a", "b"], 3);
  expect(frequent.top(2)).toEqual([
    { value: "b", count: 3 },
    { value: "a", count: 2 },
  ]);
  expect(frequent.missed).toBe(0);
});

test("no count is too high, nor lower than what was missed, whatever else came", () => {
  const texts = fc.array(fc.constantFrom(..."abcdefghij"), { maxLength: 300 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 6 }), (given, most) => {
      const frequent = counted(given, most);
      const top = new Map(frequent.top(most).map(({ value, count }) => [value, count]));
      expect(top.size).toBeLessThanOrEqual(most);
      for (const text of new Set(given)) {
        const real = given.filter((other) => other === text).length;
        expect(top.get(text) ?? 0).toBeLessThanOrEqual(real);
        expect(top.get(text) ?? 0).toBeGreaterThanOrEqual(real - frequent.missed);
      }
      expect(frequent.missed).toBeLessThanOrEqual(given.length / (most + 1));
    }),
  );
});

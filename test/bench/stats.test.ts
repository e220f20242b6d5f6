import fc from "fast-check";
import { inRounds, orderOf, warmUp } from "../../bench/harness/rounds.js";
import { ratiosOf, spreadOf } from "../../bench/harness/stats.js";
import { markdownTable, shown, textTable } from "../../bench/harness/table.js";

test("the spread is the middle and the ends", () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(spreadOf([Number.NaN, 7])).toEqual({ median: 7, min: 7, max: 7 });
  expect(() => spreadOf([])).toThrow(RangeError);
  expect(() => spreadOf([Number.NaN])).toThrow(RangeError);
});

test("the median is one of the figures or between two of them, whatever their order", () => {
  const figures = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(figures, (values) => {
      const { median, min, max } = spreadOf(values);
      expect(min).toBeLessThanOrEqual(median);
      expect(median).toBeLessThanOrEqual(max);
      expect(spreadOf([...values].reverse()).median).toBe(median);
      expect(values.filter((value) => value <= median).length).toBeGreaterThanOrEqual(values.length / 2);
    }),
  );
});

test("ratios compare rounds with themselves", () => {
  // Twice as slow a machine in the second round changes both sides.
  expect(ratiosOf([1, 2, 1], [2, 4, 2])).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
  expect(ratiosOf([1, 3, 2, 9], [1, 1, 1])).toEqual({ median: 2, min: 1, max: 3 });
  expect(() => ratiosOf([1, 2], [])).toThrow(RangeError);
  expect(() => ratiosOf([1], [0])).toThrow(RangeError);
});

test("contenders take turns, and come backwards every other round", async () => {
  const seen: string[] = [];
  const found = await inRounds(["a", "b", "c"], 3, async (contender, round) => {
    seen.push(`${contender}${round}`);
    return `${round}${contender}`;
  });
  expect(seen.join(" ")).toBe("a0 b0 c0 c1 b1 a1 a2 b2 c2");
  expect(found.get("b")).toEqual(["0b", "1b", "2b"]);
  const given = ["a", "b"];
  orderOf(given, 1);
  expect(given).toEqual(["a", "b"]);
});

test("tables keep their columns", () => {
  const rows = [
    ["name", "us"],
    ["a|b", "12"],
    ["c", "3.5"],
  ];
  expect(textTable(rows)).toBe("name   us\na|b    12\nc     3.5");
  expect(markdownTable(rows)).toBe("| name |  us |\n|------|----:|\n| a\\|b |  12 |\n| c    | 3.5 |");
  expect(shown({ median: 0.5, min: 0.25, max: 2 })).toBe("0.50 (0.25..2.00)");
  expect(shown({ median: 3, min: 3, max: 3 }, 0)).toBe("3");
});

test("what runs on Node gets a long warm-up, what is compiled a short one, and calls that are given are kept to", async () => {
  const warmed = async (how: Parameters<typeof warmUp>[1]) => {
    let calls = 0;
    const load = async (more: number) => {
      calls += more;
      return { perSecond: calls };
    };
    expect(await warmUp(load, how)).toBe(calls);
    return calls;
  };
  expect(await warmed({})).toBe(40_000);
  expect(await warmed({ compiled: true })).toBe(10_000);
  expect(await warmed({ calls: 15_000 })).toBe(15_000);
});

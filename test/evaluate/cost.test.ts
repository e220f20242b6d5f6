import { type CostTerm, costsOf } from "../../src/evaluate/cost.js";

const million = 1_000_000;

test.each<[string, Omit<CostTerm, "mode">[], Parameters<typeof costsOf>[1], number]>([
  ["no policy: the catalogue's word", [], {}, 7],
  ["a fixed cost", [{ base_micro: 2 * million, per: {} }], {}, 2 * million],
  ["so much for each", [{ base_micro: million, per: { n: 500_000 } }], { n: 3 }, 2_500_000],
  ["a parameter that is not there costs nothing", [{ base_micro: 1, per: { n: 5 } }], {}, 1],
  ["nor does one that is no number, which the program refuses", [{ base_micro: 1, per: { n: 5 } }], { n: "9" }, 1],
  ["nothing is ever given back", [{ base_micro: 1, per: { n: 5 } }], { n: -9 }, 1],
  ["parts of a micro-unit count whole", [{ base_micro: 0, per: { n: 1 } }], { n: 0.1 }, 1],
  ["what doubles add by rounding does not", [{ base_micro: 0, per: { n: 100_000 } }], { n: 1.1 }, 110_000],
  ["nor what they take away", [{ base_micro: 0, per: { n: 290_000 } }], { n: 0.1 }, 29_000],
  [
    "large sums stay as they are",
    [{ base_micro: 1, per: { n: 2 } }],
    { n: 4_503_599_627_370_495 },
    9_007_199_254_740_991,
  ],
  [
    "the highest of several",
    [
      { base_micro: 3, per: {} },
      { base_micro: 1, per: { n: 1 } },
    ],
    { n: 9 },
    10,
  ],
  ["more than can be counted", [{ base_micro: 0, per: { n: million } }], { n: 1e300 }, Number.MAX_SAFE_INTEGER],
  ["names of objects are no parameters", [{ base_micro: 1, per: { constructor: 5 } }], {}, 1],
])("%s", (_name, terms, params, wanted) =>
  expect(
    costsOf(
      terms.map((term) => ({ ...term, mode: "enforce" })),
      params,
      7,
    ).enforced,
  ).toBe(wanted),
);

test("what is in shadow counts in shadow only", () => {
  const shadow = { base_micro: 9, per: {}, mode: "shadow" } as const;
  const enforced = { base_micro: 3, per: {}, mode: "enforce" } as const;
  expect(costsOf([shadow], {}, 7)).toEqual({ enforced: 7, computed: 9 });
  expect(costsOf([shadow, enforced], {}, 7)).toEqual({ enforced: 3, computed: 9 });
});

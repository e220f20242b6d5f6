import { bounded } from "../src/bounded.js";

test("short values are shown whole", () => {
  expect(bounded(["a", { b: 1 }])).toEqual(["a", { b: 1 }]);
  expect(bounded(undefined)).toBeUndefined();
  expect(bounded("x".repeat(1022))).toHaveLength(1022);
});

test("long ones by size and hash", () => {
  expect(bounded("x".repeat(1023))).toEqual({
    omitted: true,
    bytes: 1025,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

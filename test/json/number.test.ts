import { plainDecimal } from "../../src/json/number.js";
import { toMicro } from "../../src/money.js";

test.each([
  ["0", 0],
  ["-0.5", -0.5],
  ["200", 200],
  ["1.50", 1.5],
  ["9007199254740991", 9007199254740991],
])("%s is a plain decimal", (text, wanted) => {
  expect(plainDecimal(text)).toBe(wanted);
});

test.each([
  "",
  " 1",
  "1 ",
  "+1",
  "01",
  "1.",
  ".5",
  "1e3",
  "0x10",
  "1,000",
  "1_000",
  "NaN",
  "Infinity",
  "\u0661",
  "1\n",
])("%p is no plain decimal", (text) => {
  expect(plainDecimal(text)).toBeNull();
});

test.each(["9007199254740992", "0.1234567890123456789", `0.${"0".repeat(400)}1`, "9".repeat(400)])(
  "%s is more than a double holds",
  (text) => {
    expect(plainDecimal(text)).toBeNull();
  },
);

test.each([
  [0, 0],
  [2, 2_000_000],
  [0.000001, 1],
  [0.1, 100_000],
  [1.1, 1_100_000],
  [4.35, 4_350_000],
  [9_007_199_254, 9_007_199_254_000_000],
])("%d costs %d micro-units", (cost, units) => {
  expect(toMicro(cost)).toBe(units);
});

test.each([-1, -0.000001, 0.0000001, 1.1234567, Number.NaN, Number.POSITIVE_INFINITY, 1e22, 9_007_199_255])(
  "%d is no cost",
  (cost) => {
    expect(toMicro(cost)).toBeNull();
  },
);

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { inOnePiece } from "../src/one_piece.js";

test("the text stays the same", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => expect(inOnePiece(text)).toBe(text)));
});

test("what it was put together from is not kept", () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const joined = (n: number): string =>
    Array.from({ length: 5_000 }, (_, i) => `part ${n} ${i}`).reduce((a, b) => a + b);
  const kept: string[] = [];
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 100; n++) kept.push(inOnePiece(joined(n)));
  gc();
  const taken = process.memoryUsage().heapUsed - before;
  const length = kept.reduce((all, one) => all + one.length, 0);
  // In parts it would be six times as much: each is a text of its own, and has an object that joins it to the others.
  expect(taken / length).toBeLessThan(2);
});

import { bySoonest, byTurns } from "../../src/store/pending.js";

const entry = (agent: string, id: string, expiresAtMs = 0) => ({ agent, id, expiresAtMs });

test("each agent in turn, in the order that was there", () => {
  const names = (text: string) => text.split(" ").map((id) => entry(id.replace(/\d/, ""), id));
  expect(byTurns(names("a1 a2 b1 a3 c1 b2")).map(({ id }) => id)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  expect(byTurns([])).toEqual([]);
  const hostile = ["__proto__", "constructor", "__proto__"].map((agent, n) => entry(agent, `${n}`));
  expect(byTurns(hostile).map(({ id }) => id)).toEqual(["0", "1", "2"]);
});

test("the soonest first, ties in one order", () => {
  const sorted = [entry("a", "1", 1), entry("a", "2", 2), entry("b", "1", 2), entry("b", "2", 2), entry("a", "0", 3)];
  expect(sorted.toReversed().sort(bySoonest)).toEqual(sorted);
});

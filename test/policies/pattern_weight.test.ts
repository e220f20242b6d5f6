import fc from "fast-check";
import { patternWeight } from "../../src/policies/pattern_weight.js";

test.each([
  ["abc", 3],
  ["a|b", 2],
  ["release/[0-9.]+", 9],
  ["CUST-[0-9]{8}", 13],
  ["a{2,5}", 5],
  ["a{3,}", 4],
  ["(ab){10}", 20],
  ["(a{10}){10}", 100],
  ["(?:a|b{3})*", 4],
  ["[]a]{2}", 2],
  ["[\\]a]{2}", 2],
  ["[[:alpha:]]{4}", 4],
  ["\\{5\\}", 3],
  ["\\pL{16}", 16 * 201],
  ["[\\pL\\pN]{10}", 10 * 401],
  ["\\p{Greek}", 201],
  ["(?i)abc", 3 * 3],
  ["(?P<name>ab){2}", 4],
  ["\\Q{9}(\\Ea", 9],
  ["", 0],
])("%s weighs %d", (pattern, weight) => expect(patternWeight(pattern)).toBe(weight));

test("any text is read to its end", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."ab()[]{}|*+?\\^$.,09pLQE:i-") }),
      (text) => patternWeight(text) >= 0,
    ),
  );
});

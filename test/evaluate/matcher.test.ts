import fc from "fast-check";
import { createMatcher } from "../../src/evaluate/matcher.js";
import { loadProgram } from "../../src/policies/program.js";

const instance = loadProgram().instantiate();
const nothing = instance.put("{}");

/** What the RE2 of the policy program finds in texts; `null` for a pattern that it does not take. */
function found(pattern: string, texts: readonly string[]): boolean[] | null {
  const ask = (entrypoint: "countersign/valid_patterns" | "countersign/patterns", input: object): unknown[] =>
    JSON.parse(instance.ask(entrypoint, nothing, JSON.stringify(input)))[0].result;
  const [valid] = ask("countersign/valid_patterns", { patterns: [pattern] });
  if (valid !== true) return null;
  const [matches] = ask("countersign/patterns", { patterns: [pattern], texts }) as string[][][];
  return (matches as string[][]).map((all) => all.length > 0);
}

/** Of how many texts the matcher says something, all of which the program says too. */
function agreed(match: ReturnType<typeof createMatcher>, pattern: string, asked: readonly string[]): number {
  const wanted = found(pattern, asked);
  let told = 0;
  for (const [i, text] of asked.entries()) {
    const answer = match(pattern, text);
    if (answer === null) continue;
    told += 1;
    expect({ pattern, text, answer }).toEqual({ pattern, text, answer: wanted?.[i] });
  }
  return told;
}

const letters = fc.constantFrom(
  ..."abkszAKSZ019-_ \n\t.@:/",
  ...["\u00e9", "\u017f", "\u212a", "\u0130", "\u00df", "\u{1f600}", "\u0001"],
);
const texts = fc.array(fc.string({ unit: letters, maxLength: 12 }), { minLength: 1, maxLength: 6 });
const atoms = fc.constantFrom(
  ..."abkszKS019-_.",
  ...["\\.", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\b", "\\B", "\\A", "\\z", "^", "$", "\\pL", "\\C", "\\x41"],
  ...[
    "[a-z]",
    "[^a-z]",
    "[[:alpha:]]",
    "[[:^digit:]]",
    "[\\d_-]",
    "[^\\n]",
    "[k-s]",
    "[]a]",
    "\\Qa.b\\E",
    "",
    "\u00e9",
    "\\n",
  ],
);
const repeats = fc.constantFrom("", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,3}", "{1,}", "{0}", "{,2}", "**");
const flags = fc.constantFrom("(?:", "(", "(?i:", "(?s:", "(?m:", "(?U:", "(?im:", "(?P<n>", "(?i)(?:", "(?-s:");
const { pattern: patterns } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: "small" },
    fc.tuple(atoms, repeats).map((parts) => parts.join("")),
    fc.tuple(tie("pattern"), tie("pattern")).map((parts) => parts.join("")),
    fc.tuple(tie("pattern"), tie("pattern")).map((parts) => parts.join("|")),
    fc.tuple(flags, tie("pattern"), repeats).map(([open, inner, times]) => `${open}${inner})${times}`),
    fc.string({ unit: fc.constantFrom(..."ab^$|()[]{}*+?\\.dwsQEAzZ1,:<>P-"), maxLength: 8 }),
  ),
}));

test("says what the RE2 of the policy program says, or nothing", () => {
  const match = createMatcher();
  let told = 0;
  fc.assert(
    fc.property(patterns, fc.boolean(), texts, (inner, whole, asked) => {
      const pattern = whole ? `\\A(?:${inner})\\z` : inner;
      told += agreed(match, pattern, asked);
    }),
    { numRuns: 1_500 },
  );
  expect(told).toBeGreaterThan(700);
});

const plainAtoms = fc.oneof(
  fc.constantFrom(
    ..."abkzKZ019-_:/@ ",
    "\\.",
    "\\-",
    "\\+",
    "[a-z0-9-]",
    "[A-Za-z]",
    "[k-s_.]",
    "[ -9]",
    "[-a]",
    "[a-z-9]",
  ),
  fc.string({ unit: fc.constantFrom(..."azK09_.:/@ -"), minLength: 1, maxLength: 5 }).map((inner) => `[${inner}]`),
);
const plainRepeats = fc.constantFrom("", "", "{2}", "{0}", "{1,3}", "{2,1}", "{1,}", "*", "+", "?", "{62}");

test("says so too of plain patterns, which most of those for whole values are", () => {
  const match = createMatcher();
  let told = 0;
  const part = fc.tuple(plainAtoms, plainRepeats).map((both) => both.join(""));
  // Texts that are often near to a match.
  const near = fc.array(fc.string({ unit: fc.constantFrom(..."aabkzK019-_.:/@ \n"), maxLength: 6 }), { minLength: 4 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 3 }), near, (parts, asked) => {
      const pattern = `\\A(?:${parts.join("")})\\z`;
      told += agreed(match, pattern, asked);
    }),
    { numRuns: 1_500 },
  );
  expect(told).toBeGreaterThan(2_000);
});

test.each([
  ["a text beyond ASCII", "(?i)k", "\u212a"],
  ["half a character", "a", "a\ud800"],
  ["a zero byte", "a", "a\0"],
  ["a long text", "a", "a".repeat(1_001)],
  ["a pattern beyond ASCII", "\u00e9", "e"],
  ["classes of Unicode", "\\p{Greek}", "a"],
  ["single bytes", "\\C", "a"],
  ["a long pattern", "a".repeat(501), "a"],
  ["what is no pattern", "(", "("],
])("says nothing of %s", (_, pattern, text) => {
  expect(createMatcher()(pattern, text)).toBeNull();
});

test("takes a time that grows with the text, and not with its square or worse", () => {
  // A matcher that goes back would not come to an end here.
  expect(createMatcher()("\\A(?:(a*)*b|(a|aa)+c)\\z", "a".repeat(1_000))).toBe(false);
  expect(createMatcher()(`\\A(?:${"[a-z]*".repeat(60)}0)\\z`, "a".repeat(1_000))).toBe(false);
});

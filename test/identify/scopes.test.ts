import fc from "fast-check";
import { scopeCovers } from "../../src/call.js";
import { coverage, meetings, meetScopes, metScopes, scopesOf } from "../../src/identify/scopes.js";

test.each<[string[], string[], string[]]>([
  [["deploy-api:*"], ["deploy-api:deploy"], ["deploy-api:deploy"]],
  [["deploy-api:deploy"], ["deploy-api:*"], ["deploy-api:deploy"]],
  [["*:read"], ["db:*"], ["db:read"]],
  [["*:*"], ["*:*"], ["*:*"]],
  [["db:*"], ["deploy-api:*"], []],
  [["db:*"], [], []],
  [[], ["*:*"], []],
  [["aws:iam:CreateRole"], ["aws:iam:*"], []],
  [["aws:*"], ["aws:iam:CreateRole"], ["aws:iam:CreateRole"]],
  [["db:read", "db:*"], ["db:read"], ["db:read"]],
  [["*:*"], ["nocolon", "*"], []],
])("%p and %p meet in %p", (registered, granted, wanted) => {
  expect(meetScopes(registered, granted)).toEqual(wanted);
});

test("a scope claim is separated by spaces", () => {
  expect(scopesOf("a:b  c:d ")).toEqual(["a:b", "c:d"]);
  expect(scopesOf("a:b\tc:d")).toEqual(["a:b\tc:d"]);
  expect(scopesOf(undefined)).toEqual([]);
});

test("what both lists permit, and nothing else, is permitted", () => {
  const part = fc.constantFrom("*", "a", "b", "c");
  const list = fc.array(
    fc.tuple(part, part).map(([tool, action]) => `${tool}:${action}`),
    { maxLength: 5 },
  );
  const name = fc.constantFrom("a", "b", "c", "d");
  const covered = (scopes: string[], tool: string, action: string) => scopes.some((s) => scopeCovers(s, tool, action));
  fc.assert(
    fc.property(list, list, name, name, (registered, granted, tool, action) => {
      const both = covered(registered, tool, action) && covered(granted, tool, action);
      expect(covered(meetScopes(registered, granted), tool, action)).toBe(both);
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 3000 },
  );
});

const scopes = fc.array(
  fc.constantFrom("*:*", "a:*", "b:*", "*:x", "*:y", "a:x", "a:y", "b:x", "*", "a", "a:x:z", "a:*:z", ":", "*:", ":*"),
  { maxLength: 8 },
);

test("each pair meets in the narrower one, by whatever way the pairs are found", () => {
  fc.assert(
    fc.property(scopes, scopes, (registered, granted) => {
      const pairs = registered.flatMap((a) => granted.flatMap((b) => meetScopes([a], [b])));
      expect(new Set(meetScopes(registered, granted))).toEqual(new Set(pairs));
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 3000 },
  );
});

test("a scope is covered by one that permits all of it", () => {
  fc.assert(
    fc.property(scopes, scopes, (patterns, asked) => {
      const covers = coverage(patterns);
      for (const scope of asked) {
        expect(covers(scope)).toBe(patterns.some((pattern) => meetScopes([pattern], [scope])[0] === scope));
      }
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 3000 },
  );
});

describe("long lists", () => {
  const many = (name: (i: number) => string) => Array.from({ length: 3_000 }, (_, i) => name(i));
  const work = (registered: string[], granted: string[]) => [...meetings(registered, granted)].length;

  test("cost as much as they are long where few of them meet", () => {
    const own = many((i) => `tool-${i}:act-${i}`);
    expect(work(own, own)).toBe(3_000);
    expect(
      work(
        own,
        many((i) => `tool-${i}:*`),
      ),
    ).toBe(3_000);
    expect(
      work(
        many((i) => `*:act-${i}`),
        own,
      ),
    ).toBe(3_000);
    expect(
      work(
        many((i) => `one:act-${i}`),
        many((i) => `one:act-${i}`),
      ),
    ).toBe(3_000);
    expect(
      work(
        many(() => "*:*"),
        own,
      ),
    ).toBe(3_000);
    expect(
      work(
        own,
        many((i) => `other-${i}:*`),
      ),
    ).toBe(0);
  });

  test("are met once for a token and an agent", () => {
    const token = {};
    const registered = ["a:*", "b:x"];
    let read = 0;
    const granted = () => {
      read += 1;
      return ["a:y", "b:*"];
    };
    const first = metScopes(token, registered, granted);
    expect(new Set(first)).toEqual(new Set(["a:y", "b:x"]));
    expect(metScopes(token, registered, granted)).toBe(first);
    expect(read).toBe(1);
    expect(metScopes(token, ["b:x"], granted)).toEqual(["b:x"]);
    expect(metScopes({}, registered, granted)).toEqual(first);
    expect(read).toBe(3);
  });
});

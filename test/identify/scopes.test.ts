import fc from "fast-check";
import { scopeCovers } from "../../src/call.js";
import { meetScopes, scopesOf } from "../../src/identify/scopes.js";

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

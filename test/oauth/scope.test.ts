import fc from "fast-check";
import { scopeCovers } from "../../src/call.js";
import { OAuthError } from "../../src/oauth/error.js";
import { grantedScopes } from "../../src/oauth/scope.js";

const part = fc.constantFrom("a", "b", "*");
const scope = fc.tuple(part, part).map(([tool, action]) => `${tool}:${action}`);
const scopes = fc.array(scope, { maxLength: 4 });
const covers = (all: readonly string[], tool: string, action: string) =>
  all.some((one) => scopeCovers(one, tool, action));

test("nothing is granted that is not registered, in the entry and asked for", () => {
  fc.assert(
    fc.property(
      scopes,
      fc.option(scopes, { nil: undefined }),
      fc.option(scopes, { nil: undefined }),
      (own, bound, asked) => {
        let granted: string[];
        try {
          granted = grantedScopes({ id: "x", scopes: own }, bound, asked?.join(" "));
        } catch (error) {
          return error instanceof OAuthError && error.code === "invalid_scope";
        }
        return ["a", "b", "c"].every((tool) =>
          ["a", "b", "c"].every((action) => {
            const permitted = covers(own, tool, action) && (!bound || covers(bound, tool, action));
            const wanted = permitted && (!asked || covers(asked, tool, action));
            return covers(granted, tool, action) === wanted;
          }),
        );
      },
    ),
  );
});

test.each(["a:b\\", 'a:"', "a:é", "a:b\tc:d", "a b", ":", "a:*x", "*x:a"])("%p is no scope, even under *:*", (text) => {
  const grant = () => grantedScopes({ id: "x", scopes: ["*:*"] }, undefined, text);
  if (text.includes("*")) {
    // A star stands for a whole part; elsewhere it is a character like any other and matches nothing more.
    expect(grant()).toEqual([text]);
  } else {
    expect(grant).toThrow(OAuthError);
  }
});

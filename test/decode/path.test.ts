import fc from "fast-check";
import { readPath } from "../../src/decode/path.js";
import { reasonOf } from "./request.js";

test.each([
  ["/", "/", [""]],
  ["/v1/deploy", "/v1/deploy", ["v1", "deploy"]],
  ["/v1/", "/v1/", ["v1", ""]],
  ["/V1/Deploy", "/V1/Deploy", ["V1", "Deploy"]],
  ["/%41%7e", "/A~", ["A~"]],
  ["/iam:CreateRole", "/iam:CreateRole", ["iam:CreateRole"]],
  ["/a%3ab", "/a:b", ["a:b"]],
  ["/caf%c3%a9", "/caf%C3%A9", ["caf\u00e9"]],
  ["/a%20b%3Fc%23", "/a%20b%3Fc%23", ["a b?c#"]],
  ["/50%25", "/50%25", ["50%"]],
  ["/a+b,c=d&e$f!g'h(i)*", "/a+b,c=d&e$f!g'h(i)*", ["a+b,c=d&e$f!g'h(i)*"]],
  ["/...", "/...", ["..."]],
  [`/${"a".repeat(8191)}`, `/${"a".repeat(8191)}`, ["a".repeat(8191)]],
])("%s", (raw, text, segments) => {
  expect(readPath(raw)).toEqual({ text, segments });
});

test.each([
  ["encoded slash", "/v1%2Fdeploy"],
  ["encoded slash, lower case", "/v1%2fdeploy"],
  ["encoded backslash", "/v1%5Cdeploy"],
  ["encoded dot", "/v1/%2e%2e/admin"],
  ["encoded dot, upper case", "/v1/%2E/admin"],
  ["half encoded dots", "/v1/.%2e/admin"],
  ["encoded semicolon", "/v1/deploy%3Bx"],
  ["double encoding", "/v1%252Fdeploy"],
  ["triple encoding", "/v1%25252Fdeploy"],
  ["encoded percent of an encoding", "/%2541"],
  ["broken encoding", "/v1/%zz"],
  ["cut encoding", "/v1/%4"],
  ["lone percent", "/100%"],
  ["overlong slash", "/v1/%c0%af"],
  ["encoded surrogate", "/v1/%ed%a0%80"],
  ["not UTF-8", "/v1/%ff"],
  ["double slash", "/v1//deploy"],
  ["leading double slash", "//evil.example/v1"],
  ["trailing double slash", "/v1//"],
  ["backslash", "/v1\\deploy"],
  ["path parameter", "/;a=b/v1"],
  ["path parameter behind dots", "/v1/..;/admin"],
  ["dot segment", "/v1/./deploy"],
  ["dot-dot segment", "/v1/../admin"],
  ["trailing dot-dot", "/v1/.."],
  ["NUL", "/v1/deploy%00"],
  ["line feed", "/v1/deploy%0a"],
  ["delete", "/v1/%7f"],
  ["C1 control", "/v1/%c2%85"],
  ["raw NUL", "/v1/\u0000"],
  ["raw non-ASCII", "/v1/caf\u00e9"],
  ["raw space", "/v1/a b"],
  ["fragment", "/v1#x"],
  ["query", "/v1?x"],
  ["raw braces", "/v1/{action}"],
  ["pipe", "/v1/a|b"],
  ["no slash", "v1"],
  ["empty", ""],
  ["too long", `/${"a".repeat(8192)}`],
])("%s is refused", (_name, raw) => {
  expect(reasonOf(() => readPath(raw))).toBe("malformed_path");
});

const someSegments = fc.array(fc.string({ minLength: 1, maxLength: 8, unit: "binary" }), {
  minLength: 1,
  maxLength: 4,
});
const nearPaths = fc
  .array(fc.constantFrom("/", "a", "%41", "%2", "f", "%", ".", "2e", "%25", "\\", ";", "%c3%a9", "~"), {
    maxLength: 12,
  })
  .map((parts) => `/${parts.join("")}`);

test("the canonical path reads back to itself and holds no separators", () => {
  let read = 0;
  const encoded = someSegments.map((segments) => `/${segments.map((s) => encodeURIComponent(s)).join("/")}`);
  fc.assert(
    fc.property(fc.oneof(encoded, nearPaths), (raw) => {
      const first = reasonOf(() => readPath(raw));
      if (typeof first === "string") return expect(first).toBe("malformed_path");
      read += 1;
      expect(readPath(first.text)).toEqual(first);
      for (const segment of first.segments) expect(segment).not.toMatch(/[/\\;\0]|^\.{1,2}$/);
      expect(first.text).not.toMatch(/%2f|%5c|%2e|%3b|;|\\|\/\//i);
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 3000 },
  );
  expect(read).toBeGreaterThan(10);
});

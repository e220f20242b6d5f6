import fc from "fast-check";
import { readAuthority } from "../../src/host/authority.js";
import { reasonOf } from "../decode/request.js";

test.each([
  ["deploy.internal", "http", { host: "deploy.internal", port: 80, hasPort: false }],
  ["deploy.internal", "https", { host: "deploy.internal", port: 443, hasPort: false }],
  ["Deploy.INTERNAL.:8080", "http", { host: "deploy.internal", port: 8080, hasPort: true }],
  ["localhost", "http", { host: "localhost", port: 80, hasPort: false }],
  ["my_service:1", "http", { host: "my_service", port: 1, hasPort: true }],
  ["xn--bcher-kva.example:65535", "http", { host: "xn--bcher-kva.example", port: 65535, hasPort: true }],
  ["127.0.0.1", "http", { host: "127.0.0.1", port: 80, hasPort: false }],
  ["127.0.0.1.:9000", "http", { host: "127.0.0.1", port: 9000, hasPort: true }],
  ["1.2.3.4.example", "http", { host: "1.2.3.4.example", port: 80, hasPort: false }],
  ["[::1]:443", "https", { host: "[::1]", port: 443, hasPort: true }],
  ["[2001:DB8::A]", "https", { host: "[2001:db8::a]", port: 443, hasPort: false }],
] as const)("%s over %s", (text, scheme, wanted) => {
  expect(readAuthority(text, scheme)).toEqual(wanted);
});

test.each([
  ["empty", ""],
  ["dot only", "."],
  ["two trailing dots", "deploy.internal.."],
  ["leading dot", ".deploy.internal"],
  ["empty label", "deploy..internal"],
  ["user info", "user@deploy.internal"],
  ["user info with port", "user:1@deploy.internal"],
  ["percent", "deploy%2einternal"],
  ["IDN", "b\u00fccher.example"],
  ["full-width dot", "deploy\uff0einternal"],
  ["ideographic full stop", "deploy\u3002internal"],
  ["Kelvin sign for k", "\u212aey.internal"],
  ["space", "deploy internal"],
  ["slash", "deploy.internal/x"],
  ["backslash", "deploy.internal\\x"],
  ["query", "deploy.internal?x"],
  ["NUL", "deploy.internal\u0000"],
  ["leading hyphen", "-deploy.internal"],
  ["long label", `${"a".repeat(64)}.internal`],
  ["long name", `${"a.".repeat(127)}aa`],
  ["empty port", "deploy.internal:"],
  ["port 0", "deploy.internal:0"],
  ["port 65536", "deploy.internal:65536"],
  ["port with a leading zero", "deploy.internal:080"],
  ["port with a sign", "deploy.internal:+80"],
  ["port that is a word", "deploy.internal:http"],
  ["two ports", "deploy.internal:80:80"],
  ["short IPv4", "127.1"],
  ["decimal IPv4", "2130706433"],
  ["hexadecimal IPv4", "0x7f000001"],
  ["hexadecimal last part", "127.0.0.0x1"],
  ["empty hexadecimal", "127.0.0.0x"],
  ["octal IPv4", "0177.0.0.1"],
  ["leading zero in IPv4", "127.0.0.01"],
  ["IPv4 out of range", "256.0.0.1"],
  ["five parts", "1.2.3.4.5"],
  ["name that ends in a number", "deploy.1"],
  ["IPv6 without brackets", "::1"],
  ["IPv6 in a long spelling", "[0:0:0:0:0:0:0:1]"],
  ["IPv6 with leading zeros", "[::0001]"],
  ["IPv4 in IPv6", "[::ffff:127.0.0.1]"],
  ["IPv4 in IPv6, hexadecimal", "[::ffff:7f00:1]"],
  ["dotted tail", "[::127.0.0.1]"],
  ["zone", "[fe80::1%25eth0]"],
  ["open bracket", "[::1"],
  ["bytes behind the bracket", "[::1]x"],
  ["empty brackets", "[]"],
  ["bracketed IPv4", "[127.0.0.1]"],
  ["future address", "[v1.a]"],
])("%s is refused", (_name, text) => {
  expect(reasonOf(() => readAuthority(text, "http"))).toBe("malformed_host");
});

test("a canonical host reads back to itself", () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
      const bracketed = text.includes("::") || text.split(":").length > 2 ? `[${text}]` : text;
      const first = reasonOf(() => readAuthority(bracketed, "http"));
      if (typeof first === "string") return;
      expect(readAuthority(first.host, "http").host).toBe(first.host);
    }),
    { interruptAfterTimeLimit: 2000 },
  );
});

import fc from "fast-check";
import { parseSpiffeId } from "../../src/registry/spiffe_id.js";

test.each([
  "spiffe://cluster.local/ns/ci/sa/deploy-manager",
  "spiffe://example.org",
  "spiffe://a/b",
  "spiffe://1.2_3-4/A.b_c-D/0",
  "spiffe://d/...",
  "spiffe://d/.a/..b/c.",
  `spiffe://${"d".repeat(255)}/x`,
  `spiffe://d/${"a".repeat(2048 - 11)}`,
])("%s is one", (text) => expect(parseSpiffeId(text)).toBe(text));

test.each([
  "",
  "spiffe:",
  "spiffe://",
  "spiffe:///a",
  "spiffe:/d/a",
  "SPIFFE://d/a",
  "Spiffe://d/a",
  "https://d/a",
  " spiffe://d/a",
  "spiffe://d/a ",
  "spiffe://d/a\n",
  "spiffe://d/a\0",
  "spiffe://D/a",
  "spiffe://d:8443/a",
  "spiffe://user@d/a",
  "spiffe://[::1]/a",
  "spiffe://d/",
  "spiffe://d//a",
  "spiffe://d/a/",
  "spiffe://d/a//b",
  "spiffe://d/.",
  "spiffe://d/..",
  "spiffe://d/./a",
  "spiffe://d/../a",
  "spiffe://d/a/..",
  "spiffe://d/a?b",
  "spiffe://d/a?",
  "spiffe://d/a#b",
  "spiffe://d?b",
  "spiffe://d#",
  "spiffe://d/a%62",
  "spiffe://d/ä",
  "spiffe://d/a b",
  "spiffe://d/a,spiffe://d/b",
  "spiffe://d/*",
  "spiffe://d\\a",
  `spiffe://${"d".repeat(256)}/x`,
  `spiffe://d/${"a".repeat(2048 - 10)}`,
])("%j is none", (text) => expect(parseSpiffeId(text)).toBeNull());

const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/);

test("segments decide", () => {
  const of = fc.tuple(fc.stringMatching(/^[a-z0-9._-]{1,12}$/), fc.array(segment, { maxLength: 6 }));
  fc.assert(
    fc.property(of, ([domain, path]) => {
      const text = ["spiffe:/", domain, ...path].join("/");
      expect(parseSpiffeId(text)).toBe(path.some((one) => one === "." || one === "..") ? null : text);
    }),
    { interruptAfterTimeLimit: 2000 },
  );
});

test("what is taken is what a URL reader sees too", () => {
  // Mostly what may be there, so that many are taken, with a path too.
  const alphabet = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(..."abz09._-/") },
    { weight: 1, arbitrary: fc.constantFrom(..."Z:@?#%[] \\\n\tä~!") },
  );
  let paths = 0;
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 20 }), (characters) => {
      const text = `spiffe://${characters.join("")}`;
      if (parseSpiffeId(text) === null) return;
      if (characters.includes("/")) paths += 1;
      const { host, port, username, search, hash, pathname } = new URL(text);
      expect({ host, port, username, search, hash, text: `spiffe://${host}${pathname}` }).toEqual({
        host,
        port: "",
        username: "",
        search: "",
        hash: "",
        text,
      });
    }),
    { numRuns: 5000, interruptAfterTimeLimit: 3000 },
  );
  expect(paths).toBeGreaterThan(20);
});

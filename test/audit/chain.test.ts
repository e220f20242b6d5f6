import fc from "fast-check";
import { linkTo, readLine } from "../../src/audit/chain.js";
import { BrokenRecord } from "../../src/audit/signed.js";
import type { Json } from "../../src/call.js";
import { canonicalJson } from "../../src/canonical.js";
import { decisionDraft, ed25519, hmac, keys, policyDraft, stranger, writerName } from "./samples.js";
import { seal } from "./sealed.js";

const place = { seq: 7, prev: linkTo("before"), writer: writerName, key: ed25519 };

test.each(keys)("whatever JSON a record holds, it is read back as it was (%s)", (_, key) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (input) => {
      const line = seal(decisionDraft(input as Json), { ...place, key });
      const record = readLine(Buffer.from(line), [stranger, key]);
      expect(line).toBe(canonicalJson(JSON.parse(line)));
      expect(canonicalJson(Object(record.opa_decision).input)).toBe(canonicalJson(input));
      expect(record).toMatchObject({ seq: 7, prev: place.prev, writer: writerName, decision: "allow" });
    }),
    { interruptAfterTimeLimit: 3_000 },
  );
});

test("members that objects have by birth are ordinary in a record", () => {
  const input = JSON.parse('{"__proto__":{"toJSON":1},"constructor":2,"hasOwnProperty":null,"toString":[]}');
  const line = seal(decisionDraft(input), place);
  expect(line).toContain('"input":{"__proto__":{"toJSON":1},"constructor":2,"hasOwnProperty":null,"toString":[]}');
  expect(readLine(Buffer.from(line), [ed25519]).seq).toBe(7);
});

test.each<[string, unknown]>([
  ["NaN", Number.NaN],
  ["an infinity", Number.POSITIVE_INFINITY],
  ["a lone surrogate", "\udfff"],
  ["a bigint", 1n],
])("%s has no place in a record", (_, value) => {
  expect(() => seal(decisionDraft(value as Json), place)).toThrow();
});

test("members without a value are left out", () => {
  const draft = { ...policyDraft("a"), extra: undefined };
  expect(seal(draft, place)).toBe(seal(policyDraft("a"), place));
});

test.each<[string, object]>([
  ["0", { seq: 0 }],
  ["a fraction", { seq: 1.5 }],
  ["beyond the safe integers", { seq: 2 ** 53 }],
  ["text", { seq: "1" }],
])("a signed record whose seq is %s is refused", (_, wrong) => {
  const line = seal(policyDraft("a"), { ...place, ...wrong });
  expect(() => readLine(Buffer.from(line), [ed25519])).toThrow(new BrokenRecord("seq is no count"));
});

test("a key says its kind; one given under another's kid does not pass", () => {
  const line = Buffer.from(seal(policyDraft("a"), place));
  expect(() => readLine(line, [{ ...hmac, kid: ed25519.kid }])).toThrow("names another signature algorithm");
  expect(() => readLine(line, [])).toThrow("which was not given");
});

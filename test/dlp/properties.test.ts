import fc from "fast-check";
import { detectors } from "../../src/dlp/detectors.js";
import { namesOf, samples, scanned } from "./fixture.js";

const all = [...detectors.keys()];
const data = new Set(namesOf("data"));
/** Text that is rich in what detectors look at. */
const pieces = fc.constantFrom(
  ...["@", ".", "-", " ", "/", ":", "//", "+1", "4111", "1111", "eyJ", "ssn", "mrn ", "ssh ", "GB82", "%34", "\\u0034"],
  ...["127", "0x", "::", "\n", "\u200b", "=", "QUJD", '"', ...Object.values(samples)],
);
const rich = fc.array(fc.oneof(pieces, fc.string({ maxLength: 8 }), fc.string({ unit: "binary", maxLength: 4 })), {
  maxLength: 24,
});
const text = rich.map((parts) => parts.join(""));

test("spans are in the text, in order, apart, and not empty", () => {
  fc.assert(
    fc.property(text, fc.constantFrom(...all), fc.constantFrom("", "ssn", "npi", "patient id", "phone"), (...drawn) => {
      const [value, name, label] = drawn;
      let done = 0;
      for (const { start, end } of detectors.get(name)?.find(value, label) ?? []) {
        expect(start).toBeGreaterThanOrEqual(done);
        expect(end).toBeGreaterThan(start);
        done = end;
      }
      expect(done).toBeLessThanOrEqual(value.length);
    }),
    { numRuns: 1000 },
  );
});

test("finding is deterministic", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const parts = { params: { a, b: [b] }, query: { a: b }, detectors: all };
      const [first, second] = [scanned(parts), scanned(parts)];
      expect(first.hits).toEqual(second.hits);
      expect(first.redacted("query", "a", data)).toBe(second.redacted("query", "a", data));
    }),
  );
});

test("nothing that was found is left after redaction, and nothing is found in what is left", () => {
  fc.assert(
    fc.property(text, (value) => {
      const redacted = scanned({ query: { value } }).redacted("query", "value", data) ?? "";
      for (const name of data) {
        for (const { start, end } of detectors.get(name)?.find(value) ?? []) {
          expect(redacted).not.toContain(value.slice(start, end));
        }
      }
      const left = scanned({ query: { value: redacted } }).hits.filter(() => !/^(\[[a-z_]+\])+$/.test(redacted));
      expect(left).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("a record masks what is a hit, and only that", () => {
  fc.assert(
    fc.property(text, (p) => {
      const result = scanned({ params: { p } });
      expect(result.masked({ p }).p === p).toBe(result.hits.length === 0);
    }),
  );
});

test.each(Object.entries(samples))("%s is found wherever it stands in a text", (name, sample) => {
  const around = fc.string({ maxLength: 200 });
  fc.assert(
    fc.property(around, around, (before, after) => {
      const result = scanned({ params: { p: `${before}\n${sample}\n${after}` }, detectors: [name] });
      expect(result.hits.map(({ detector }) => detector)).toEqual([name]);
    }),
  );
});

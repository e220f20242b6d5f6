import { samples, scanned } from "./fixture.js";

const card = "4111 1111 1111 1111";
const both = new Set(["email", "payment_card"]);
const redactedQuery = (value: string, detectors: ReadonlySet<string> = both): string | null =>
  scanned({ query: { q: value } }).redacted("query", "q", detectors);

test.each([
  [`pay ${card} now`, "pay [payment_card] now"],
  ["jane@example.com, joe@example.com", "[email], [email]"],
  [`${card}jane`, "[payment_card]jane"],
  ["nothing", "nothing"],
  ["", ""],
])("%j becomes %j", (value, wanted) => expect(redactedQuery(value)).toBe(wanted));

test.each([
  ["base64", Buffer.from(card).toString("base64"), "[payment_card]"],
  ["beside plain text", `jane@example.com ${Buffer.from(card).toString("base64")}`, "[email][payment_card]"],
  ["the same, plain and encoded", "jane@example.com jane%40example.com", "[email]"],
  ["what only redaction lays bare", "jane@example.com4111111111111111", "[email][payment_card]"],
  ["more than 100 places", "jane@example.com ".repeat(101), "[email]"],
  ["more than 100 values", Array.from({ length: 101 }, (_, i) => `a${i}@example.com`).join(" "), "[email]"],
])("%s is replaced as a whole", (_, value, wanted) => expect(redactedQuery(value)).toBe(wanted));

test("more places than are told apart are one, whatever the detector", () => {
  for (const [name, sample] of Object.entries(samples)) {
    const value = `${sample}\n`.repeat(101);
    const redacted = scanned({ query: { q: value }, detectors: [name] }).redacted("query", "q", new Set([name]));
    expect(redacted).toBe(`[${name}]`);
  }
});

test("100 places are replaced one by one", () => {
  expect(redactedQuery("jane@example.com ".repeat(100))).toBe("[email] ".repeat(100));
});

test("only what the named detectors found is replaced", () => {
  const value = `${card} jane@example.com`;
  expect(redactedQuery(value, new Set(["email"]))).toBe(`${card} [email]`);
  expect(redactedQuery(value, new Set())).toBe(value);
});

test("a number that was found beside its word is replaced wherever it stands", () => {
  const value = `ssn 123456789 ${"-".repeat(60)} 123456789`;
  expect(redactedQuery(value, new Set(["ssn"]))).not.toContain("123456789");
});

test("the lines of a header are one value", () => {
  const result = scanned({
    headers: [
      ["x-a", card],
      ["x-a", "jane@example.com"],
      ["cookie", "a=1"],
      ["cookie", "b=jane@example.com"],
    ],
  });
  expect(result.redacted("headers", "x-a", both)).toBe("[payment_card], [email]");
  expect(result.redacted("headers", "cookie", both)).toBe("a=1; b=[email]");
});

test.each(["p", "x-a", "__proto__", "constructor", ""])("there is no value of %j", (name) => {
  const result = scanned({ params: { p: card } });
  expect(result.redacted("query", name, both)).toBeNull();
  expect(result.redacted("headers", name, both)).toBeNull();
});

test("params are masked at any depth, and everything else stays", () => {
  const params = {
    text: `pay ${card}`,
    number: 4111111111111111,
    list: [1, null, true, "jane@example.com", { deep: Buffer.from(card).toString("base64") }],
    mrn: "A1234567",
    "joe@example.com": "x",
    plain: { a: [], b: {} },
  };
  expect(scanned({ params }).masked(params)).toEqual({
    text: "pay [payment_card]",
    number: "[payment_card]",
    list: [1, null, true, "[email]", { deep: "[payment_card]" }],
    mrn: "[mrn]",
    "[email]": "x",
    plain: { a: [], b: {} },
  });
});

test("keys that become the same are all kept", () => {
  const params = { m: { "a@example.com": 1, "b@example.com": 2, "[email]": 3, "c@example.com": 4 } };
  const { m } = scanned({ params }).masked(params) as { m: Record<string, number> };
  expect(Object.keys(m)).toHaveLength(4);
  expect(Object.values(m).sort()).toEqual([1, 2, 3, 4]);
  expect(JSON.stringify(m)).not.toContain("example.com");
});

test("values that were not part of the call are masked too", () => {
  const { masked } = scanned({});
  expect(masked({ "x-a": `${card}, x` })["x-a"]).toBe("[payment_card], x");
  expect(masked({ ssn: "123456789" }).ssn).toBe("[ssn]");
  expect(masked({ p: "jane@example.com" })).toEqual({ p: "[email]" });
});

test("what came from the query is masked among the params as well", () => {
  const result = scanned({ params: { q: card }, query: { q: card }, fromQuery: ["q"] });
  expect(result.masked({ q: card })).toEqual({ q: "[payment_card]" });
});

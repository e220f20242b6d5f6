import { mostSearched, mostTexts, scan } from "../../src/dlp/scan.js";
import { match, namesOf, samples, scanned, told } from "./fixture.js";

const card = "4111 1111 1111 1111";
const cardNumber = 4111111111111111;

test("there is a sample of every data detector", () => {
  expect(Object.keys(samples).sort()).toEqual(namesOf("data").sort());
});

test.each(Object.entries(samples))("%s is found in every place", (name, sample) => {
  const value = `so ${sample} it is`;
  const result = scanned({ params: { p: value }, query: { q: value }, headers: [["x-h", value]], detectors: [name] });
  expect(told(result)).toEqual([`${name} headers x-h`, `${name} params p!`, `${name} query q`]);
});

test("params are searched at any depth: texts, numbers, keys, lists, nested JSON", () => {
  const params = {
    a: { b: [{ c: card }] },
    n: cardNumber,
    k: { [card]: true },
    json: JSON.stringify({ x: { card } }),
    nothing: [null, true, 12, "x"],
  };
  expect(told(scanned({ params }))).toEqual(["a", "json", "k", "n"].map((name) => `payment_card params ${name}!`));
});

test("a name says what its value is", () => {
  const params = { patientSsn: "123456789", ids: { npi: [1234567893] }, mrn: "A1234567", other: "123456789" };
  expect(told(scanned({ params }))).toEqual(["mrn params mrn!", "npi params ids!", "ssn params patientSsn!"]);
});

test("what came from the query is a hit there only, and is searched for payloads all the same", () => {
  const result = scanned({
    params: { q: `${card} http://x.example`, p: card },
    query: { q: `${card} http://x.example` },
    fromQuery: ["q"],
    detectors: ["payment_card", "url"],
  });
  expect(told(result)).toEqual(["payment_card params p!", "payment_card query q", "url params q!"]);
});

test("what only the parameter's name gives away is a hit of the parameter", () => {
  const result = scanned({ params: { ssn: 123456789 }, query: { s: "123456789" }, fromQuery: ["ssn"] });
  expect(told(result)).toEqual(["ssn params ssn!"]);
  expect(told(scanned({ params: { q: card }, query: { q: "x" }, fromQuery: ["q"] }))).toEqual([
    "payment_card params q!",
  ]);
});

test("a query parameter that is given twice is an error", () => {
  const query = ["a", "b"].map((value) => ({ raw: "q", name: "q", value }));
  const request = {
    params: {},
    query,
    path: "/",
    host: "",
    headers: [],
    body: {},
    fromQuery: new Set<string>(),
    detectors: [],
    patterns: [],
  };
  expect(() => scan(request, match)).toThrow("given twice");
});

test("the path is searched for data, decoded, and cannot be redacted", () => {
  const path = "/users/jane%40example.com/cards/http%3A%2F%2Fc.example";
  expect(told(scanned({ path }))).toEqual(["email path path!"]);
  expect(told(scanned({ path, detectors: namesOf("payload") }))).toEqual([]);
  expect(told(scanned({ path, params: { user: "jane@example.com" } }))).toEqual([
    "email params user!",
    "email path path!",
  ]);
});

test("the host is searched for data, and cannot be redacted", () => {
  const host = `${cardNumber}.api.internal`;
  expect(told(scanned({ host }))).toEqual(["payment_card host host!"]);
  // Beside a dot and letters these are no such number, and in a host there are always some.
  expect(told(scanned({ host: "219-09-9999.415-555-0132.internal" }))).toEqual(["phone host host!", "ssn host host!"]);
  expect(told(scanned({ host: "localhost", detectors: namesOf("payload") }))).toEqual([]);
});

test("payloads are looked for in params only, keys included, and are not hidden", () => {
  const result = scanned({
    params: { p: { "http://a.example": 1 }, "http://b.example": 1, ip: 2130706433 },
    query: { q: "http://c.example" },
    headers: [["x-h", "http://d.example"]],
    detectors: namesOf("payload"),
  });
  expect(told(result)).toEqual(["private_ip params ip!", "url params p!"]);
  expect(result.masked({ q: "http://c.example" }).q).toBe("http://c.example");
});

test("members of the body that are no parameters are searched for data, and cannot be redacted", () => {
  const body = { note: { text: [`pay ${card}`] }, "jane@example.com": 1, ssn: 123456789, link: "http://x.example" };
  const result = scanned({ body, detectors: [...namesOf("data"), ...namesOf("payload")] });
  expect(told(result)).toEqual(["email body [email]!", "payment_card body note!", "ssn body ssn!"]);
});

describe("a call with more text than is searched", () => {
  const [name, path, host] = ["p", "/v1/x", "tools"];
  const room = mostSearched - name.length - path.length - host.length;
  const long = "x".repeat(room - card.length) + card;

  test("has as much as there may be", () => {
    const result = scanned({ params: { p: long } });
    expect(result.complete).toBe(true);
    expect(told(result)).toEqual(["payment_card params p!"]);
  });

  test.each([
    ["parameters", { params: { p: `x${long}` } }],
    ["keys", { params: { p: { [`x${long}`]: 1 } } }],
    ["names", { params: { p: "", [`x${long}`]: "" } }],
    ["numbers", { params: { p: long.slice(String(cardNumber).length), n: cardNumber } }],
    ["the query", { params: { p: long }, query: { q: card } }],
    ["headers", { params: { p: long }, headers: [["x", card] as [string, string]] }],
    ["the path", { params: { p: long }, path: `${path}/` }],
    ["the host", { params: { p: long }, host: `${host}.` }],
    ["the body", { params: { p: long }, body: { b: card } }],
  ])("is not searched at all: %s", (_, parts) => {
    const result = scanned(parts);
    expect(result.complete).toBe(false);
    expect(result.hits).toEqual([]);
  });

  test("is shown as far as it is short, and nothing that was found is", () => {
    const short = { n: 7, list: [card, { ssn: 123456789 }, []], empty: {}, flag: true, [card]: null };
    const result = scanned({ params: { p: `x${long}` }, query: { q: card }, headers: [["x-h", card]] });
    const shown = { n: 7, list: ["[payment_card]", { ssn: "[ssn]" }, []], empty: {}, flag: true };
    expect(result.masked({ p: `x${long}`, ...short })).toEqual({
      p: "[unsearched]",
      ...shown,
      "[payment_card]": null,
    });
    expect(result.masked({})).toEqual({});
    expect(result.maskedText(`at ${card}`)).toBe("at [payment_card]");
    expect(result.maskedText("x".repeat(16_384))).toBe("x".repeat(16_384));
    expect(result.maskedText("x".repeat(16_385))).toBe("[unsearched]");
    expect(result.redacted("query", "q", new Set())).toBe("[unsearched]");
    expect(result.redacted("headers", "x-h", new Set(["payment_card"]))).toBe("[unsearched]");
    expect(result.redacted("query", "x-h", new Set())).toBeNull();
  });

  test("is an error all the same when a detector is unknown", () => {
    expect(() => scanned({ params: { p: `x${long}` }, detectors: ["nonsense"] })).toThrow("there is no detector");
  });
});

describe("a call with more texts than are searched", () => {
  // The path, the host and the name of the parameter are texts too.
  const texts = (count: number) => ({ p: [...Array<string>(count - 4).fill("x"), card] });

  test("has as many as there may be", () => {
    const result = scanned({ params: texts(mostTexts) });
    expect(result.complete).toBe(true);
    expect(told(result)).toEqual(["payment_card params p!"]);
  });

  test("is not searched at all", () => {
    expect(scanned({ params: texts(mostTexts + 1) })).toMatchObject({ complete: false, hits: [] });
  });
});

test("headers of the proxy cannot be redacted", () => {
  const names = ["host", "content-length", "te", "x-envoy-x", "x-countersign-x", ":path", "x-other", "tea"];
  const result = scanned({ headers: names.map((name) => [name, card]) });
  const redactable = result.hits.filter((hit) => hit.redactable).map(({ name }) => name);
  expect(redactable).toEqual(["tea", "x-other"]);
  expect(result.hits).toHaveLength(names.length);
});

test("what stands in a name is masked in the hit and cannot be redacted", () => {
  const result = scanned({
    params: { "jane@example.com": 1 },
    query: { "joe@example.com": card, plain: card },
  });
  expect(told(result)).toEqual([
    "email params [email]!",
    "email query [email]!",
    "payment_card query [email]!",
    "payment_card query plain",
  ]);
});

test("there is one hit per detector, place and name", () => {
  const result = scanned({
    headers: [
      ["x-a", card],
      ["x-a", card],
      ["x-a", "jane@example.com"],
    ],
  });
  expect(told(result)).toEqual(["email headers x-a", "payment_card headers x-a"]);
});

test("the order of a request does not matter to its hits", () => {
  const query = { a: card, b: "jane@example.com", c: `${card} jane@example.com` };
  const backwards = Object.fromEntries(Object.entries(query).reverse());
  expect(scanned({ query }).hits).toEqual(scanned({ query: backwards }).hits);
});

test("only the detectors that are named run, and an unknown one is an error", () => {
  expect(told(scanned({ params: { p: `${card} jane@example.com` }, detectors: ["email"] }))).toEqual([
    "email params p!",
  ]);
  for (const name of ["nonsense", "__proto__", "constructor", ""]) {
    expect(() => scanned({ detectors: [name] })).toThrow("there is no detector");
  }
});

describe("a user's pattern", () => {
  const patterns = [{ name: "ticket", pattern: "\\bSEC-[0-9]+\\b" }];

  test("is RE2, is found in every reading, and is redacted", () => {
    const encoded = Buffer.from("see SEC-1234 now").toString("base64");
    const result = scanned({
      params: { p: ["SEC-1", 7] },
      query: { a: "SEC-1 and SEC-22", b: encoded, c: "sec-1" },
      patterns,
    });
    expect(told(result)).toEqual(["ticket params p!", "ticket query a", "ticket query b"]);
    const all = new Set(["ticket"]);
    expect(result.redacted("query", "a", all)).toBe("[ticket] and [ticket]");
    expect(result.redacted("query", "b", all)).toBe("[ticket]");
    expect(result.redacted("query", "c", all)).toBe("sec-1");
  });

  test("that matches nothing at all has no hit", () => {
    expect(scanned({ params: { p: "x" }, patterns: [{ name: "empty", pattern: "y*" }] }).hits).toEqual([]);
  });

  test("that matches nothing so often that the rest is not seen counts as found", () => {
    const empty = [{ name: "empty", pattern: "y*" }];
    expect(scanned({ params: { p: "x".repeat(99) }, patterns: empty }).hits).toEqual([]);
    const result = scanned({ query: { q: `${"x".repeat(101)}y` }, patterns: empty });
    expect(told(result)).toEqual(["empty query q"]);
    expect(result.redacted("query", "q", new Set(["empty"]))).toBe("[empty]");
  });

  test("is replaced one by one up to 100 times, and as a whole beyond", () => {
    const times = (count: number): string | null => {
      const query = { q: Array.from({ length: count }, (_, i) => `SEC-${1000 + i}`).join(" ") };
      return scanned({ query, patterns }).redacted("query", "q", new Set(["ticket"]));
    };
    expect(times(100)).toBe(Array.from({ length: 100 }, () => "[ticket]").join(" "));
    expect(times(101)).toBe("[ticket]");
  });

  test("that matches everything leaves the placeholder", () => {
    const result = scanned({ query: { q: "a b c" }, patterns: [{ name: "all", pattern: "." }] });
    expect(result.redacted("query", "q", new Set(["all"]))).toBe("[all]");
  });

  test("is an error when the matcher leaves a text out", () => {
    const request = {
      params: { p: "x" },
      query: [],
      path: "/",
      host: "",
      headers: [],
      body: {},
      fromQuery: new Set<string>(),
      detectors: [],
      patterns,
    };
    expect(() => scan(request, () => [])).toThrow("was not matched against every text");
    expect(() => scan(request, () => [[["x"]]])).toThrow("was not matched against every text");
  });
});

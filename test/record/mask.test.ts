import fc from "fast-check";
import { createMasker } from "../../src/record/mask.js";
import { jwt, maskerOf, nothing, unsearched } from "./fixture.js";

test("of a call of which nothing is known tokens are masked", () => {
  const mask = createMasker({});
  expect(mask.text(`to ${jwt}`)).toBe("to [token]");
  expect(mask.path(`/v1/${jwt}/cst_0123456789abcdef0123`)).toBe("/v1/[token]/[token]");
  expect(mask.value({ [jwt]: [jwt, 1, null, true] })).toEqual({ "[token]": ["[token]", 1, null, true] });
});

test("what a detector found is masked in every text", () => {
  const mask = maskerOf({ params: { to: "ada@example.com" } });
  expect(mask.text("(ada@example.com)")).toBe("([email])");
  expect(mask.text("mail bob@example.org")).toBe("mail [email]");
  expect(mask.text("production")).toBe("production");
});

describe("what only its name told of", () => {
  const mask = maskerOf({
    params: { ssn: 123456789, of: { patientSsn: ["219099999"] }, free: "123456789" },
    headers: [["x-npi", "1234567893"]],
  });

  test("is masked where a path or a sentence has it once more", () => {
    expect(mask.quoted("123456789")).toBe("[ssn]");
    expect(mask.quoted("shop-219099999")).toBe("shop-[ssn]");
    expect(mask.quoted("of 1234567893")).toBe("of [npi]");
    expect(mask.path("/v1/deploy/123456789")).toBe("/v1/deploy/[ssn]");
  });

  test("hides nothing in other fields, where a call could so blank what it did", () => {
    expect(mask.text("123456789")).toBe("123456789");
    expect(mask.value(["app:123456789"])).toEqual(["app:123456789"]);
    expect(mask.params({ ssn: 123456789, free: 123456789, "123456789": { ref: "219099999" } })).toEqual({
      ssn: "[ssn]",
      free: 123456789,
      "123456789": { ref: "219099999" },
    });
    expect(mask.query({ q: "123456789" })).toEqual({ q: "123456789" });
    expect(mask.headers({ "x-ref": "1234567893" })).toEqual({ "x-ref": "1234567893" });
  });

  test("and nothing else is", () => {
    expect(mask.text("12345678")).toBe("12345678");
    expect(mask.params({ count: 5, on: true, list: [null, "a"] })).toEqual({ count: 5, on: true, list: [null, "a"] });
  });
});

test("longer copies go first, and placeholders are never masked again", () => {
  const patterns = [
    { name: "mail", pattern: "^em$" },
    { name: "word", pattern: "^emu$" },
  ];
  const mask = maskerOf({ params: { a: "em", b: "emu", c: "ada@example.com" }, patterns });
  expect(mask.quoted("emu-em ada@example.com")).not.toMatch(/emu|ada/);
  expect(mask.quoted("xemux")).toBe("x[word]x");
});

describe("paths", () => {
  test.each([
    ["/v1/ada@example.com/x", "/v1/[email]/x"],
    ["/v1/ada%40example.com/x", "/v1/[email]/x"],
    ["/v1/%61da%2540example.com/x", "/v1/[email]/x"],
    ["/v1/%31%323456789", "/v1/[ssn]"],
    ["/v1/a%20b/%e2%82%ac/%ff/%zz", "/v1/a%20b/%e2%82%ac/%ff/%zz"],
  ])("%s is shown as %s", (path, shown) => {
    expect(maskerOf({ params: { ssn: "123456789" }, path }).path(path)).toBe(shown);
  });

  test("of calls that nothing has searched, tokens are masked in any spelling", () => {
    expect(unsearched({}).path(`/v1/%65yJ${jwt.slice(3).replaceAll(".", "%2E")}`)).toBe("/v1/[token]");
    expect(unsearched({}).path("/v1%2Fcst_0123456789abcdef0123/%ff")).toBe("/v1/[token]/%ff");
  });

  test("a variable that is a secret by its name is one there too", () => {
    const mask = unsearched({ params: { token: "hunter2", pin: 12, user: "ada" } });
    expect(mask.path("/reset/hunter%32/12/ada/hunter22")).toBe("/reset/[secret]/[secret]/ada/hunter22");
    // What the catalogue reads from a call has its own field, and no body may hide that.
    expect(mask.text("hunter2")).toBe("hunter2");
  });

  test("an empty one hides nothing", () => {
    expect(unsearched({ params: { token: "" } }).path("/v1/")).toBe("/v1/");
  });

  test("and not what only the query repeats", () => {
    const mask = unsearched({ params: { token: "prod" }, query: { token: "prod" }, fromQuery: ["token"] });
    expect(mask.path("/v1/prod")).toBe("/v1/prod");
  });
});

test("a query parameter that the catalogue calls a secret is one under its own name", () => {
  const mask = unsearched({ params: { token: "hunter2" }, query: { t: "hunter2", page: "2" }, fromQuery: ["token"] });
  expect(mask.query({ t: "hunter2", page: "2" })).toEqual({ t: "[secret]", page: "2" });
});

test("what policies take out is removed under its name, in parameters as in the query", () => {
  const removes = { headers: new Set(["x-debug"]), query: new Set(["month"]) };
  const mask = createMasker({ evaluation: { removes, scanned: null } });
  expect(mask.params({ month: "9", "x-debug": "s" })).toEqual({ month: "[removed]", "x-debug": "s" });
  expect(mask.query({ month: "9" })).toEqual({ month: "[removed]" });
  expect(mask.headers({ month: "9", "x-debug": "s" })).toEqual({ month: "9", "x-debug": "[removed]" });
});

test("names that become the same are told apart", () => {
  const names = { [jwt]: 1, [`${jwt}x`]: 2 };
  expect(createMasker({}).params(names)).toEqual({ "[token]": 1, "[token]2": 2 });
});

test("detectors are not asked again where they found nothing", () => {
  const asked = () => {
    throw new Error("asked");
  };
  const scanned = { complete: true, hits: [], masked: asked, maskedText: asked };
  const mask = createMasker({ evaluation: { removes: nothing, scanned } });
  expect(mask.params({ a: "b" })).toEqual({ a: "b" });
  expect(mask.text("staging")).toBe("staging");
});

test("of a call that is too large to be searched, what is short is searched and shown all the same", () => {
  const mask = maskerOf({ params: { environment: "staging", much: "x".repeat(2 ** 19) } });
  expect(mask.text("staging")).toBe("staging");
  expect(mask.text("for ada@example.com")).toBe("for [email]");
  expect(mask.path("/v1/ada%40example.com/staging")).toBe("/v1/[email]/staging");
  expect(mask.value(["shop@sha256:aa", "219-09-9999"])).toEqual(["shop@sha256:aa", "[ssn]"]);
  expect(mask.value(Array(10_000).fill("ada@example.com"))).toBe("[unsearched]");
  const params = { environment: "staging", to: "ada@example.com", much: "x".repeat(257) };
  expect(mask.params(params)).toEqual({ environment: "staging", to: "[email]", much: "[unsearched]" });
  expect(mask.headers({ "x-a": jwt, authorization: "hunter2" })).toEqual({ "x-a": "[jwt]", authorization: "[secret]" });
});

test("a number that was found never comes through, wherever and however it is written", () => {
  const digits = fc.stringMatching(/^[1-5][0-9]{2}[1-9]{6}$/).filter((text) => text !== "666");
  const around = fc.stringMatching(/^[a-z-]{0,8}$/);
  fc.assert(
    fc.property(digits, around, around, (ssn, before, after) => {
      const mask = maskerOf({ params: { ssn } });
      expect(mask.quoted(`${before}${ssn}${after}`)).not.toContain(ssn);
      const encoded = [...ssn].map((digit) => `%3${digit}`).join("");
      expect(mask.path(`/${before}${encoded}${after}`)).not.toMatch(`${ssn}|${encoded}`);
    }),
    { numRuns: 50 },
  );
});

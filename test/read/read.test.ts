import fc from "fast-check";
import { sha256Hex } from "../../src/canonical.js";
import { readJsonObject } from "../../src/json/strict.js";
import { type CheckRequest, read } from "../../src/read/index.js";
import { Refusal } from "../../src/refusal.js";

type Http = NonNullable<NonNullable<NonNullable<CheckRequest["attributes"]>["request"]>["http"]>;

const limits = { maxBodyBytes: 1000 };
const plain: Http = {
  id: "17",
  method: "POST",
  path: "/v1/deploy?a=1",
  host: "deploy.internal",
  scheme: "https",
  headers: { "content-type": "application/json", "content-length": "2" },
  size: "2",
  body: "{}",
};

const check = (more: Http): CheckRequest => ({ attributes: { request: { http: { ...plain, ...more } } } });
const line = (key: string, value: string) => ({ key, raw_value: Buffer.from(value, "latin1") });

function refused(request: CheckRequest): string {
  try {
    read(request, limits);
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
  return "read";
}

test("a plain request is read whole", () => {
  expect(read(check({}), limits)).toEqual({
    id: "17",
    method: "POST",
    scheme: "https",
    authority: "deploy.internal",
    target: "/v1/deploy?a=1",
    headers: [
      { name: "content-type", value: "application/json" },
      { name: "content-length", value: "2" },
    ],
    body: "{}",
    bodyAnnounced: true,
  });
});

test("header_map and raw_body are read to the same", () => {
  const bytes = check({
    headers: null,
    header_map: { headers: [line("Content-Type", "application/json"), line("content-length", "2")] },
    body: "",
    raw_body: Buffer.from("{}"),
  });
  const request = read(bytes, limits);
  expect({ ...request, body: request.body.toString() }).toEqual(read(check({}), limits));
});

describe("a list of headers, each name once", () => {
  const name = fc.oneof(
    fc.constantFrom(
      "host",
      "Host",
      "content-length",
      "transfer-encoding",
      "upgrade",
      ":path",
      ":x",
      "x-http-method",
      "ä",
    ),
    fc.constantFrom(
      "x-envoy-auth-partial-body",
      "X-Countersign-Override",
      "x-countersign-override",
      "__proto__",
      "a_b",
      "",
    ),
    fc.stringMatching(/^[A-Za-z-]{1,70}$/),
  );
  const value = fc.oneof(
    fc.constantFrom("", "2", "a,b", "deploy.internal", "chunked", "false", "\u0000", "é", "\t", "/v1/deploy?a=1"),
    fc.string({ maxLength: 5 }),
  );
  const entries = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 5 });
  const told = (headers: Http["headers"]) => {
    try {
      return read(check({ headers }), limits);
    } catch (error) {
      if (error instanceof Refusal) return [error.reason, error.message];
      throw error;
    }
  };

  test("is read as an object with those members", () => {
    let whole = 0;
    fc.assert(
      fc.property(entries, (rows) => {
        const expected = told(Object.fromEntries(rows));
        if (!Array.isArray(expected)) whole += 1;
        expect(told(rows.map(([key, text]) => ({ name: key, value: text })))).toEqual(expected);
      }),
      { numRuns: 2_000, interruptAfterTimeLimit: 4_000 },
    );
    expect(whole).toBeGreaterThan(50);
  });
});

test("names are told apart however alike they look", () => {
  const names = ["x-aa-b", "x-ab-b", "x-ba-b", "host", "hosT", "x-aa-b", "X-aa-b", "n".repeat(64), "n".repeat(65)];
  for (const key of [...names, ...names]) {
    expect(refused(check({ headers: { [key]: "other" } }))).toBe(
      key.toLowerCase() === "host" ? "malformed_host" : "read",
    );
  }
  for (const key of ["x-aa_b", "", "x-ä-b", "x-aa-b"]) {
    expect(refused(check({ headers: { [key]: "v" } }))).toBe(key === "x-aa-b" ? "read" : "malformed_header");
  }
});

test("a body as text is what its bytes are, for the hash and for whoever reads it", () => {
  const more = { headers: {}, size: -1 };
  const parts = fc.constantFrom(
    "{",
    "}",
    '"a"',
    ":",
    "1",
    "\\ud800",
    "\u00e9",
    "\u{1f600}",
    "\ud800",
    "\udc00",
    "\ufeff",
    "\0",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(parts).map((all) => all.join("")),
        fc.json(),
        fc.string({ unit: "binary" }),
      ),
      (body) => {
        const [text, bytes] = [{ body }, { body: "", raw_body: Buffer.from(body) }].map(
          (given) => read(check({ ...more, ...given }), { maxBodyBytes: 10_000 }).body,
        );
        if (text === undefined || bytes === undefined) throw new Error("not read");
        expect(Buffer.from(text as string)).toEqual(Buffer.from(bytes as Uint8Array));
        expect(sha256Hex(text)).toBe(sha256Hex(bytes));
        expect(objectIn(text)).toEqual(objectIn(bytes));
      },
    ),
  );
});

function objectIn(body: string | Uint8Array): unknown {
  try {
    return readJsonObject(body);
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

test("the size of a body is counted in bytes", () => {
  const three = { headers: {}, body: "\u20ac", size: 3 };
  expect(read(check(three), { maxBodyBytes: 3 }).body).toBe("\u20ac");
  expect(() => read(check(three), { maxBodyBytes: 2 })).toThrow(Refusal);
  expect(refused(check({ ...three, headers: { "content-length": "4" } }))).toBe("body_incomplete");
  expect(refused(check({ ...three, headers: { "content-length": "2" }, size: -1 }))).toBe("malformed_request");
});

test("raw bytes stay what they are", () => {
  const raw_body = Buffer.from([0xff, 0x00, 0xfe]);
  const request = read(check({ headers: {}, body: "", raw_body, size: -1 }), limits);
  expect([...(request.body as Uint8Array)]).toEqual([0xff, 0x00, 0xfe]);
});

test("a line of header_map may carry its value as text", () => {
  const header_map = { headers: [{ key: "x-a", value: "1", raw_value: new Uint8Array() }] };
  expect(read(check({ headers: {}, header_map }), limits).headers).toEqual([{ name: "x-a", value: "1" }]);
});

test.each([
  ["left out", {}],
  ["null", { headers: null, header_map: null, query: null, fragment: null, size: null, body: null, raw_body: null }],
  ["undefined", { headers: undefined, header_map: undefined, size: undefined, body: undefined, raw_body: undefined }],
  ["empty", { headers: {}, header_map: { headers: [] }, query: "", size: "0", body: "", raw_body: new Uint8Array() }],
])("unset fields that are %s are no body and no headers", (_form, unset) => {
  const bare = { id: "1", method: "GET", path: "/", host: "h", scheme: "http" };
  const request = read({ attributes: { request: { http: { ...bare, ...unset } } } }, limits);
  expect(request).toMatchObject({ method: "GET", target: "/", headers: [], bodyAnnounced: false });
  expect(request.body.length).toBe(0);
});

test("pseudo headers that agree are dropped", () => {
  const headers = { ":method": "POST", ":path": "/v1/deploy?a=1", ":authority": "deploy.internal", ":scheme": "https" };
  expect(read(check({ headers }), limits).headers).toEqual([]);
});

test("Envoy's mark on the body is no header of the request", () => {
  expect(read(check({ headers: { "x-envoy-auth-partial-body": "false" } }), limits).headers).toEqual([]);
});

test.each<[string, boolean, Http]>([
  ["content-length above 0", true, {}],
  ["content-length 0", false, { headers: { "content-length": "0" }, body: "", size: 0 }],
  ["chunked", true, { headers: { "transfer-encoding": "Chunked" }, body: "", size: 0 }],
  ["no framing header", false, { headers: {} }],
])("%s announces a body: %p", (_name, announced, http) => {
  expect(read(check(http), limits).bodyAnnounced).toBe(announced);
});

test.each<[string, string, CheckRequest]>([
  ["nothing at all", "malformed_request", {}],
  ["no attributes", "malformed_request", { attributes: null }],
  ["no request", "malformed_request", { attributes: { request: null } }],
  ["no http", "malformed_request", { attributes: { request: { http: null } } }],
  ["no id", "malformed_request", check({ id: "" })],
  ["no method", "malformed_request", check({ method: null })],
  ["no host", "malformed_request", check({ host: undefined })],
  ["no path", "malformed_request", check({ path: "" })],
  ["no scheme", "malformed_request", check({ scheme: "" })],
  ["another scheme", "malformed_request", check({ scheme: "ws" })],
  ["upper-case scheme", "malformed_request", check({ scheme: "HTTPS" })],
  ["lower-case method", "malformed_request", check({ method: "post" })],
  ["method with a space", "malformed_request", check({ method: "GET " })],
  ["CONNECT with empty path", "malformed_request", check({ method: "CONNECT", path: "" })],
  ["CONNECT", "malformed_request", check({ method: "CONNECT" })],
  ["query apart from the path", "malformed_request", check({ query: "a=1" })],
  ["fragment apart from the path", "malformed_request", check({ fragment: "x" })],

  ["absolute-form target", "malformed_path", check({ path: "http://evil.example/v1" })],
  ["asterisk-form target", "malformed_path", check({ path: "*" })],
  ["target without a slash", "malformed_path", check({ path: "v1/deploy" })],
  ["fragment in the target", "malformed_path", check({ path: "/v1#x" })],
  ["space in the target", "malformed_path", check({ path: "/v1 /x" })],
  ["non-ASCII target", "malformed_path", check({ path: "/v1/ü" })],
  ["NUL in the target", "malformed_path", check({ path: "/v1\u0000" })],
  ["line feed in the target", "malformed_path", check({ path: "/v1\n" })],

  [
    "headers in two forms",
    "malformed_request",
    check({ headers: { a: "1" }, header_map: { headers: [line("a", "1")] } }),
  ],
  ["body in two forms", "malformed_request", check({ headers: {}, raw_body: Buffer.from("{}") })],
  [
    "a header line with two values",
    "malformed_request",
    check({ headers: {}, header_map: { headers: [{ ...line("a", "1"), value: "2" }] } }),
  ],
  [":method differs", "malformed_request", check({ headers: { ":method": "GET" } })],
  [":path differs", "malformed_request", check({ headers: { ":path": "/other" } })],
  [":authority differs", "malformed_request", check({ headers: { ":authority": "Deploy.internal" } })],
  [":scheme differs", "malformed_request", check({ headers: { ":scheme": "http" } })],
  ["unknown pseudo header", "malformed_request", check({ headers: { ":protocol": "websocket" } })],
  [
    "second pseudo header",
    "malformed_request",
    check({ headers: {}, header_map: { headers: [line(":method", "POST"), line(":method", "GET")] } }),
  ],

  ["obs-text in a value", "malformed_header", check({ headers: { "x-a": "caf\u00e9" } })],
  [
    "obs-text in a raw value",
    "malformed_header",
    check({ headers: {}, header_map: { headers: [line("x-a", "\u00e9")] } }),
  ],
  ["line feed in a value", "malformed_header", check({ headers: { "x-a": "1\r\nx-b: 2" } })],
  ["NUL in a value", "malformed_header", check({ headers: { "x-a": "\u0000" } })],
  ["underscore in a name", "malformed_header", check({ headers: { x_api_key: "1" } })],
  ["empty name", "malformed_header", check({ headers: { "": "1" } })],
  ["space in a name", "malformed_header", check({ headers: { "x-a ": "1" } })],
  ["non-ASCII letter that lower case makes ASCII", "malformed_header", check({ headers: { "x-api-\u212aey": "1" } })],
  ["content-type joined", "malformed_header", check({ headers: { "content-type": "application/json,text/plain" } })],
  ["content-length joined", "malformed_header", check({ headers: { "content-length": "2,2" } })],
  ["override joined", "malformed_header", check({ headers: { "x-countersign-override": "a,b" } })],
  ["names that differ in case", "malformed_header", check({ headers: { "Content-Type": "a", "content-type": "b" } })],
  ["odd content-length", "malformed_header", check({ headers: { "content-length": "+2" } })],
  ["content-length with a leading zero", "malformed_header", check({ headers: { "content-length": "02" } })],
  ["hexadecimal content-length", "malformed_header", check({ headers: { "content-length": "0x2" } })],
  ["negative content-length", "malformed_header", check({ headers: { "content-length": "-2" } })],
  ["another transfer coding", "malformed_header", check({ headers: { "transfer-encoding": "gzip, chunked" } })],
  ["two framings", "malformed_header", check({ headers: { "content-length": "2", "transfer-encoding": "chunked" } })],

  ["x-http-method-override", "method_override", check({ headers: { "x-http-method-override": "DELETE" } })],
  ["x-http-method", "method_override", check({ headers: { "X-HTTP-Method": "DELETE" } })],
  ["x-method-override", "method_override", check({ headers: { "x-method-override": "POST" } })],
  ["host header differs", "malformed_host", check({ headers: { host: "other.internal" } })],

  ["marked as partial", "body_incomplete", check({ headers: { "x-envoy-auth-partial-body": "true" } })],
  ["marked as partial and not", "body_incomplete", check({ headers: { "x-envoy-auth-partial-body": "false,true" } })],
  ["body shorter than content-length", "body_incomplete", check({ headers: { "content-length": "3" } })],
  ["body missing", "body_incomplete", check({ body: "" })],
  ["body shorter than what Envoy received", "body_incomplete", check({ headers: {}, size: 3 })],
  ["body longer than content-length", "malformed_request", check({ headers: { "content-length": "1" } })],
  ["odd size", "malformed_request", check({ size: "many" })],
  ["negative size", "malformed_request", check({ size: -2 })],
  ["size that is no number", "malformed_request", check({ size: Number.NaN })],
  ["body over the limit", "body_too_large", check({ headers: {}, body: "x".repeat(1001), size: -1 })],
  ["announced over the limit", "body_too_large", check({ headers: { "content-length": "1001" } })],
  ["received over the limit", "body_too_large", check({ headers: {}, size: "1001" })],
])("%s: %s", (_name, reason, request) => {
  expect(refused(request)).toBe(reason);
});

test.each(["content-type", "content-length", "content-encoding", "host", "upgrade"])(
  "%s may occur once only",
  (name) => {
    const header_map = { headers: [line(name, "2"), line(name.toUpperCase(), "2")] };
    expect(refused(check({ headers: {}, header_map, host: "2" }))).toBe("malformed_header");
  },
);

test.each<[string, Http]>([
  ["a list header joined", { headers: { accept: "text/html,application/json" } }],
  ["two credentials", { headers: { "X-Api-Key": "a,b", "x-api-key": "c", authorization: "Bearer a,Bearer b" } }],
  ["a body of the greatest length", { headers: {}, body: "x".repeat(1000), size: 1000 }],
  ["a host header that agrees", { headers: { host: "deploy.internal" } }],
  ["a tab in a value", { headers: { "x-a": "a\tb" } }],
])("%s is fine", (_name, http) => {
  expect(refused(check(http))).toBe("read");
});

test("a refusal says nothing that the client did not send", () => {
  expect(() => read(check({ headers: { "x-a": "\u00e9" } }), limits)).toThrow(
    "header x-a holds bytes outside visible ASCII",
  );
});

import { decodeWith, reasonOf, type Sketch } from "./request.js";

const bare: Sketch = { method: "GET", headers: {}, body: "" };
const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

describe("bodies", () => {
  const typed = (type: string, body: string | Uint8Array = '{"a":1}'): Sketch => ({
    headers: { "content-type": type },
    body,
  });

  test.each([
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/json ; Charset=Utf-8",
    "application/vnd.api+json",
  ])("%s is JSON", (type) => {
    expect(decodeWith({}, typed(type)).params).toEqual({ verb: "deploy", a: 1 });
  });

  test.each(["application/x-www-form-urlencoded", "application/X-WWW-Form-Urlencoded; charset=UTF-8"])(
    "%s is a form",
    (type) => {
      expect(decodeWith({}, typed(type, "a=1&b=x+y")).params).toEqual({ verb: "deploy", a: "1", b: "x y" });
    },
  );

  test.each([
    "",
    "text/plain",
    "text/json",
    "application/jsonp",
    "application/json, text/plain",
    "application/json; charset=latin1",
    "application/json; charset=utf-16",
    "application/json; charset=utf-8; charset=utf-8",
    "application/json; profile=x",
    "application/json;",
    "application/json;charset='utf-8'",
    "application/+json",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/octet-stream",
  ])("%p is refused", (type) => {
    expect(reasonOf(() => decodeWith({}, typed(type)))).toBe("unsupported_content_type");
  });

  test("a body without content type is refused", () => {
    expect(reasonOf(() => decodeWith({}, { headers: {} }))).toBe("unsupported_content_type");
  });

  test.each(["gzip", "br", "identity, gzip", "GZIP", "", "x"])("content-encoding %p is refused", (encoding) => {
    const headers = { "content-type": "application/json", "content-encoding": encoding };
    expect(reasonOf(() => decodeWith({}, { headers }))).toBe("unsupported_content_encoding");
  });

  test("content-encoding identity is none", () => {
    const headers = { "content-type": "application/json", "content-encoding": "Identity" };
    expect(decodeWith({}, { headers }).params).toEqual({ verb: "deploy", environment: "staging" });
  });

  test.each<[string, string, Sketch]>([
    ["compressed bytes", "malformed_body", typed("application/json", Buffer.from([0x1f, 0x8b, 8]))],
    ["form with raw bytes", "malformed_body", typed("application/x-www-form-urlencoded", Buffer.from([0x61, 0xff]))],
    ["form with a bad encoding", "malformed_body", typed("application/x-www-form-urlencoded", "a=%f")],
    ["form that is JSON", "malformed_body", typed("application/x-www-form-urlencoded", '{"a" :1}')],
    ["JSON that is a form", "malformed_body", typed("application/json", "a=1")],
    ["JSON list", "malformed_body", typed("application/json", "[]")],
  ])("%s: %s", (_name, reason, sketch) => {
    expect(reasonOf(() => decodeWith({}, sketch))).toBe(reason);
  });

  test.each(["POST", "PUT", "PATCH"])("%s must have one", (method) => {
    expect(reasonOf(() => decodeWith({}, { method, body: "" }))).toBe("body_missing");
    expect(decodeWith({ body: "none" }, { method, body: "" }).tool).toBe("deploy-api");
  });

  test.each(["GET", "HEAD", "DELETE", "OPTIONS"])("%s may have none", (method) => {
    expect(decodeWith({}, { method, headers: {}, body: "" }).http.body_sha256).toBe(emptySha256);
  });

  test.each([{}, { body: "none" }])("announced and not there is refused (%p)", (entry) => {
    expect(reasonOf(() => decodeWith(entry, { ...bare, bodyAnnounced: true }))).toBe("body_missing");
  });

  test("of a GET are read like others", () => {
    expect(decodeWith({}, { method: "GET" }).params).toEqual({ verb: "deploy", environment: "staging" });
  });

  test("are refused by a tool that takes none", () => {
    expect(reasonOf(() => decodeWith({ body: "none" }, {}))).toBe("body_unexpected");
  });
});

describe("upgrades", () => {
  test.each([
    { upgrade: "websocket", connection: "Upgrade" },
    { upgrade: "websocket" },
    { connection: "keep-alive, Upgrade" },
    { connection: "UPGRADE" },
  ])("%p is refused unless the tool takes no body", (headers) => {
    expect(reasonOf(() => decodeWith({}, { ...bare, headers }))).toBe("upgrade_refused");
    expect(reasonOf(() => decodeWith({}, { ...bare, headers, authority: "x" }, "passthrough"))).toBe("upgrade_refused");
    expect(decodeWith({ body: "none" }, { ...bare, headers }).tool).toBe("deploy-api");
  });
  test("a connection header without it is fine", () => {
    expect(decodeWith({}, { ...bare, headers: { connection: "keep-alive, x-upgrade-y" } }).tool).toBe("deploy-api");
  });
});

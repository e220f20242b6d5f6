import { connect } from "node:http2";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { findEnvoy } from "../harness/find_envoy.js";
import { type RawAnswer, sendRaw } from "../harness/http.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type AuditLine, everyRecord } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { bytesOf, good, head2, post2, type Request } from "./raw_request.js";

const envoy = await requirePart("Envoy", findEnvoy);
const limit = 1_048_576;

describeWith(envoy, "hostile requests through the real Envoy", (use) => {
  let stack: Stack;
  let token: string;

  beforeAll(async () => {
    stack = await startStack({ store: "memory:", envoyProgram: use() });
    token = await stack.token("deploy-manager");
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.tool.requests.length = 0;
  });

  const exchange = (request: Request): Promise<RawAnswer> => sendRaw(stack.envoy.port, bytesOf(token, request));
  const decisions = async () =>
    (await everyRecord(join(stack.folder, "var", "audit"))).filter(({ kind }) => kind === "decision");
  const json = ({ text }: RawAnswer): Record<string, unknown> => {
    expect(text).toMatch(/^content-type: application\/problem\+json\r$/m);
    return JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
  };

  test.each<[string, Request]>([
    ["as it should be", {}],
    ["in chunks, without a length", { framing: "chunked" }],
    ["with a charset", { lines: ["content-type: application/json; charset=UTF-8"] }],
    ["with another JSON type", { lines: ["content-type: application/vnd.deploy+json"] }],
    ["with the host in upper case", { host: "DEPLOY.internal" }],
    ["with encoded letters in the path", { target: "/v1/%64eploy" }],
    ["with a dot segment, which Envoy resolves", { target: "/v1/x/../deploy" }],
    ["with encoded dots, which Envoy resolves", { target: "/v1/x/%2e%2e/deploy" }],
    ["with dots and a semicolon, which Envoy resolves", { target: "/v1/x/..;/deploy" }],
  ])("a call %s passes", async (_name, request) => {
    const answer = await exchange(request);
    expect(answer.status).toBe(200);
    expect(stack.tool.requests).toHaveLength(1);
    expect(stack.tool.requests[0]?.body.toString()).toBe(good);
    expect(stack.tool.requests[0]?.url).toMatch(/^\/v1\/(deploy|%64eploy)$/);
    const record = (await decisions()).at(-1);
    expect(record).toMatchObject({ tool: "deploy-api", action: "deploy", environment: "staging", decision: "allow" });
  });

  const nested = `${"[".repeat(40)}${"]".repeat(40)}`;
  const field = (text: string) => good.replace(/}$/, `,${text}}`);

  /** Envoy asks about these, so each has a reason and a record. */
  const judged: [string, Request, number, string][] = [
    ["a JSON key twice", { body: field('"environment":"production"') }, 400, "malformed_body"],
    ["a JSON key twice, one escaped", { body: field('"en\\u0076ironment":"production"') }, 400, "malformed_body"],
    ["a JSON key twice, deep down", { body: field('"a":[{"b":1,"b":2}]') }, 400, "malformed_body"],
    ["__proto__", { body: field('"__proto__":{"environment":"staging"}') }, 400, "malformed_body"],
    ["JSON nested too deeply", { body: field(`"a":${nested}`) }, 400, "malformed_body"],
    ["a number beyond every double", { body: field('"a":1e400') }, 400, "malformed_body"],
    ["an integer that doubles do not have", { body: field('"a":9007199254740993') }, 400, "malformed_body"],
    ["a lone surrogate", { body: field('"a":"\\ud800"') }, 400, "malformed_body"],
    ["invalid UTF-8", { body: Buffer.from(field('"a":"\xff"'), "latin1") }, 400, "malformed_body"],
    ["a byte order mark", { body: `\ufeff${good}` }, 400, "malformed_body"],
    ["bytes after the JSON", { body: `${good}{}` }, 400, "malformed_body"],
    ["JSON cut short", { body: good.slice(0, -1) }, 400, "malformed_body"],
    ["a comment in JSON", { body: `/**/${good}` }, 400, "malformed_body"],
    ["an array for a body", { body: `[${good}]` }, 400, "malformed_body"],
    ["a NUL for a body", { body: "\0" }, 400, "malformed_body"],

    [
      "a compressed body",
      { body: gzipSync(good), lines: ["content-encoding: gzip"] },
      415,
      "unsupported_content_encoding",
    ],
    ["a body said to be compressed", { lines: ["content-encoding: gzip"] }, 415, "unsupported_content_encoding"],
    ["no kind of body", { lines: ["content-type:"] }, 415, "unsupported_content_type"],
    ["a text body", { lines: ["content-type: text/plain"] }, 415, "unsupported_content_type"],
    [
      "two kinds in one line",
      { lines: ["content-type: application/json, text/plain"] },
      415,
      "unsupported_content_type",
    ],
    ["another charset", { lines: ["content-type: application/json; charset=utf-7"] }, 415, "unsupported_content_type"],
    [
      "two kinds in two lines",
      { lines: ["content-type: application/json", "content-type: application/x-www-form-urlencoded"] },
      415,
      "unsupported_content_type",
    ],
    [
      "a form with a name twice",
      {
        body: "environment=staging&environment=production",
        lines: ["content-type: application/x-www-form-urlencoded"],
      },
      400,
      "ambiguous_parameter",
    ],
    ["no body, and none announced", { body: "", framing: "none" }, 400, "body_missing"],
    ["an empty body", { body: "" }, 400, "body_missing"],
    ["an empty chunked body", { body: "", framing: "chunked" }, 400, "body_missing"],
    [
      "a tool that the token does not name",
      { method: "GET", host: "reports.internal", target: "/v1/export" },
      403,
      "scope_exceeded",
    ],

    ["an empty segment", { target: "//v1/deploy" }, 400, "malformed_path"],
    ["an empty segment within", { target: "/v1//deploy" }, 400, "malformed_path"],
    ["a path parameter", { target: "/v1/deploy;x=1" }, 400, "malformed_path"],
    ["a path parameter behind a name that ends in dots", { target: "/v1/a..;/deploy" }, 400, "malformed_path"],
    ["dots behind a semicolon, which lead elsewhere", { target: "/v1/..;/deploy" }, 403, "unknown_tool"],
    ["an encoded semicolon", { target: "/v1/deploy%3bx" }, 400, "malformed_path"],
    ["an encoding twice", { target: "/v1/%2564eploy" }, 400, "malformed_path"],
    ["dots encoded twice", { target: "/v1/x/%252e%252e/deploy" }, 400, "malformed_path"],
    ["a slash encoded twice", { target: "/v1%252fdeploy" }, 400, "malformed_path"],
    ["a broken encoding", { target: "/v1/deploy%zz" }, 400, "malformed_path"],
    ["an encoded line feed", { target: "/v1/deploy%0a" }, 400, "malformed_path"],
    ["an overlong encoding", { target: "/v1/%c0%aedeploy" }, 400, "malformed_path"],
    ["a path that no entry has", { target: "/v2/deploy" }, 403, "unknown_tool"],
    ["another case of the path", { target: "/V1/deploy" }, 403, "unknown_tool"],
    ["a slash at the end", { target: "/v1/deploy/" }, 403, "unknown_tool"],
    ["another method", { method: "PUT" }, 403, "unknown_tool"],
    ["a method of its own", { method: "PROPFIND" }, 403, "unknown_tool"],

    ["a parameter twice", { target: "/v1/deploy?a=1&a=2" }, 400, "ambiguous_parameter"],
    ["a parameter twice, spelled apart", { target: "/v1/deploy?a=1&%61=2" }, 400, "ambiguous_parameter"],
    ["a semicolon in the query", { target: "/v1/deploy?a=1;b=2" }, 400, "malformed_query"],
    ["a broken encoding in the query", { target: "/v1/deploy?a=%" }, 400, "malformed_query"],
    ["a parameter without a name", { target: "/v1/deploy?=1" }, 400, "malformed_query"],
    ["a NUL in the query", { target: "/v1/deploy?a=%00" }, 400, "malformed_query"],

    ["an unknown host", { host: "other.internal" }, 403, "unknown_tool"],
    ["a host with a port out of range", { host: "deploy.internal:99999" }, 400, "malformed_host"],
    ["a host that is an address in decimal", { host: "2130706433" }, 400, "malformed_host"],
    ["a short address", { host: "127.1" }, 400, "malformed_host"],
    ["IPv4 in IPv6", { host: "[::ffff:127.0.0.1]" }, 400, "malformed_host"],
    ["a host with user info", { host: "a@deploy.internal" }, 400, "malformed_host"],
    ["a host in two lines", { lines: ["host: other.internal"] }, 400, "malformed_host"],

    ["a method override", { lines: ["x-http-method-override: DELETE"] }, 400, "method_override"],
    ["a method override by its other name", { lines: ["X-Method-Override: DELETE"] }, 400, "method_override"],
    ["two credentials of two kinds", { lines: ["x-api-key: csk_x"] }, 401, "credential_ambiguous"],
    // Envoy joins the two lines into one.
    ["two credentials of one kind", { lines: ["Authorization: Bearer x"] }, 401, "credential_malformed"],
    ["two API keys", { credential: null, lines: ["x-api-key: a", "x-api-key: b"] }, 401, "credential_ambiguous"],
    ["another scheme", { credential: "authorization: Basic YTpi" }, 401, "credential_malformed"],
    ["no token behind the scheme", { credential: "authorization: Bearer" }, 401, "credential_malformed"],
    [
      "two override tokens",
      { lines: ["x-countersign-override: a", "x-countersign-override: b"] },
      400,
      "malformed_header",
    ],
    ["an override token that is none", { lines: ["x-countersign-override: a.b.c"] }, 403, "override_invalid"],
    ["bytes above ASCII in a header", { lines: ["x-note: caf\xe9"] }, 400, "malformed_header"],
  ];

  test.each(judged)("%s is refused", async (_name, request, status, reason) => {
    const before = (await decisions()).length;
    const answer = await exchange(request);
    expect([answer.status, json(answer)]).toEqual([
      status,
      expect.objectContaining({ status, reason, decision: "deny" }),
    ]);
    expect(stack.tool.requests).toEqual([]);
    const after = (await decisions()).slice(before);
    expect(after).toEqual([expect.objectContaining({ decision: "deny", enforced: "deny", reason })]);
  });

  /** Envoy refuses these by itself, and nobody behind it hears of them. */
  const refusedByEnvoy: [string, Request, number][] = [
    ["an encoded slash", { target: "/v1%2fdeploy" }, 400],
    ["an encoded backslash", { target: "/v1%5cdeploy" }, 400],
    ["a NUL in the path", { target: "/v1/deploy%00" }, 400],
    ["an absolute form", { target: "http://deploy.internal/v1/deploy" }, 404],
    ["an absolute form of another host", { target: "http://other.internal/v1/deploy" }, 404],
    ["a fragment", { target: "/v1/deploy#x" }, 400],
    ["an underscore in a header", { lines: ["x_api_key: 1"] }, 400],
    ["an upgrade", { lines: ["connection: upgrade", "upgrade: websocket"] }, 403],
    [
      "an upgrade without a body",
      { method: "GET", framing: "none", body: "", lines: ["connection: upgrade", "upgrade: websocket"] },
      403,
    ],
    ["two lengths", { lines: ["content-length: 1"] }, 400],
    ["a length beside chunks", { framing: "chunked", lines: ["content-length: 5"] }, 400],
    ["a negative length", { framing: "none", lines: ["content-length: -1"] }, 400],
    ["CONNECT", { method: "CONNECT", target: "deploy.internal:80", framing: "none", body: "" }, 404],
  ];

  test.each(refusedByEnvoy)("%s does not get past Envoy", async (_name, request, status) => {
    const before = (await decisions()).length;
    expect((await exchange(request)).status).toBe(status);
    expect(stack.tool.requests).toEqual([]);
    expect(await decisions()).toHaveLength(before);
  });

  test("a port that nobody listed leads to no tool, whatever is decided", async () => {
    expect((await exchange({ host: "deploy.internal:8443" })).status).toBe(404);
    expect(stack.tool.requests).toEqual([]);
  });

  test("an upgrade to HTTP/2 is ignored, and the call judged as it is", async () => {
    const lines = ["connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"];
    const denied = await exchange({ lines, body: field('"replicas2":1').replace('"replicas":3', '"replicas":200') });
    expect([denied.status, json(denied).reason]).toEqual([403, "max_replicas"]);
    expect(stack.tool.requests).toEqual([]);
  });

  test("a request inside the body of another is a body", async () => {
    const smuggled = bytesOf(token, { target: "/v1/deploy", body: good }).toString("latin1");
    const answer = await exchange({ body: smuggled });
    expect([answer.status, json(answer).reason]).toEqual([400, "malformed_body"]);
    expect(stack.tool.requests).toEqual([]);
  });

  test("a chunked body that never ends is judged by nobody", async () => {
    const before = (await decisions()).length;
    const whole = bytesOf(token, { framing: "chunked" });
    const answer = await sendRaw(stack.envoy.port, whole.subarray(0, -5), 500);
    expect(answer.status).toBe(0);
    expect(stack.tool.requests).toEqual([]);
    expect(await decisions()).toHaveLength(before);
  });

  describe("bodies at the limit", () => {
    const padded = (bytes: number) => {
      const empty = field('"pad":""');
      return field(`"pad":"${"x".repeat(bytes - empty.length)}"`);
    };

    test.each<["length" | "chunked", string]>([
      ["length", "with a length"],
      ["chunked", "in chunks"],
    ])("exactly the limit passes whole, %s", async (framing) => {
      const body = padded(limit);
      expect(body).toHaveLength(limit);
      const answer = await exchange({ body, framing });
      expect(answer.status).toBe(200);
      expect(stack.tool.requests[0]?.body.length).toBe(limit);
    });

    test.each<[number, "length" | "chunked"]>([
      [limit + 1, "length"],
      [limit + 1, "chunked"],
      [2 * limit, "length"],
      [2 * limit, "chunked"],
    ])("%d bytes with framing by %s are refused with 413", async (bytes, framing) => {
      const answer = await exchange({ body: padded(bytes), framing });
      expect(answer.status).toBe(413);
      expect(json(answer)).toMatchObject({ error: "BadRequest", decision: "deny", reason: "body_too_large" });
      expect(stack.tool.requests).toEqual([]);
    });

    test.each([
      [limit, true, 200],
      [limit + 1, true, 413],
      [limit + 1, false, 413],
      [limit + 5_000, false, 413],
      [2 * limit, false, 413],
    ])("over HTTP/2, %d bytes (length announced: %s) end in %d", async (bytes, announced, status) => {
      const answer = await post2(stack.envoy.url, token, Buffer.from(padded(bytes)), announced);
      expect(answer.status).toBe(status);
      expect(stack.tool.requests).toHaveLength(status === 200 ? 1 : 0);
      if (status === 413) expect(JSON.parse(answer.body)).toMatchObject({ decision: "deny", status: 413 });
    });

    test("a body that a client breaks off over HTTP/2 is judged by nobody", async () => {
      const before = (await decisions()).length;
      const session = connect(stack.envoy.url);
      const stream = session.request({ ...head2(token), "content-length": String(good.length) });
      stream.on("error", () => {});
      stream.write(good.slice(0, 10));
      await until(() => session.state.outboundQueueSize === 0, { what: "the beginning to be sent" });
      stream.close(8);
      await new Promise((resolve) => stream.once("close", resolve));
      session.close();
      expect((await exchange({})).status).toBe(200);
      expect(await decisions()).toHaveLength(before + 1);
      expect(stack.tool.requests).toHaveLength(1);
    });
  });

  test("the records of all of this verify, and none of them holds a credential", async () => {
    const audit = join(stack.folder, "var", "audit");
    const { code } = await stack.countersign("audit", "verify", audit, "--key", `${audit}.jwk`);
    expect(code).toBe(0);
    const all: AuditLine[] = await everyRecord(audit);
    expect(JSON.stringify(all)).not.toContain(token);
    expect(JSON.stringify(all)).not.toContain("csk_x");
  });
});

import { connect } from "node:http2";
import type { CheckRequest, CheckResponse, HttpRequest } from "../../src/grpc/messages.js";
import { startGrpcServer } from "../../src/grpc/server.js";
import { type RunningEnvoy, startEnvoy, untilHealthy } from "../harness/envoy.js";
import { type ExampleTool, startExampleTool } from "../harness/example_tool.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { send, sendRaw } from "../harness/http.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { freePort } from "../harness/process.js";
import { until } from "../harness/until.js";

const envoyProgram = await requirePart("Envoy", findEnvoy);
const host = "deploy.internal";
const limit = 1_048_576;

type Check = (request: HttpRequest) => CheckResponse | Promise<CheckResponse>;

const allow: Check = () => ({ status: { code: 0 }, ok_response: {} });

/** The server that ships, answering what a test tells it to. */
async function startAuthorizer(port: number) {
  const questions: HttpRequest[] = [];
  const state = { answer: allow, questions };
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  const check = async ({ attributes }: CheckRequest): Promise<CheckResponse> => {
    const http = attributes?.request?.http;
    if (!http) throw new Error("a question without a request");
    questions.push(http);
    return state.answer(http);
  };
  const server = await startGrpcServer({ listen: { kind: "tcp", host: "127.0.0.1", port }, check, log: silent });
  server.setServing(true);
  return Object.assign(state, { stop: () => server.drain(1_000), setServing: server.setServing });
}

/** Header names and values as Envoy tells them; pseudo-headers are among them. */
function headersOf(request: HttpRequest | undefined): [string, string][] {
  return (request?.header_map?.lines ?? []).map(({ name, value }) => [name, value]);
}

describeWith(envoyProgram, "Envoy with the shipped reverse proxy", (use) => {
  let tool: ExampleTool;
  let authorizer: Awaited<ReturnType<typeof startAuthorizer>>;
  let envoy: RunningEnvoy;

  beforeAll(async () => {
    tool = await startExampleTool();
    const port = await freePort();
    authorizer = await startAuthorizer(port);
    envoy = await startEnvoy({ program: use(), authorizer: { host: "127.0.0.1", port }, tool });
  });
  afterAll(async () => {
    await envoy?.stop();
    await authorizer?.stop();
    await tool?.stop();
  });
  beforeEach(() => {
    tool.requests.length = 0;
    authorizer.questions.length = 0;
    authorizer.answer = allow;
  });

  test("asks with raw headers and raw body, and forwards what was judged", async () => {
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    const answer = await send(`${envoy.url}/v1/a/../deploy?x=%41`, { host, body, headers: { twice: ["1", "2"] } });
    expect(answer).toMatchObject({ status: 200, headers: { server: "envoy" } });
    const [question] = authorizer.questions;
    expect(question).toMatchObject({
      method: "POST",
      path: "/v1/deploy?x=%41",
      host,
      scheme: "http",
      size: "3",
      body: "",
    });
    expect(question?.raw_body).toEqual(body);
    expect(question?.headers).toEqual([]);
    const headers = headersOf(question);
    expect(headers).toEqual(
      expect.arrayContaining([
        [":method", "POST"],
        [":path", "/v1/deploy?x=%41"],
        [":authority", host],
        [":scheme", "http"],
        ["twice", "1"],
        ["twice", "2"],
        ["x-envoy-auth-partial-body", "false"],
      ]),
    );
    expect(tool.requests).toMatchObject([{ method: "POST", url: "/v1/deploy?x=%41", body }]);
  });

  test("takes away what a client may not say", async () => {
    const claims = {
      "x-countersign-decision": "allow",
      "x-countersign-decision-id": "mine",
      "x-countersign-policy-version": "mine",
      "x-countersign-override": "token",
      "x-envoy-upstream-rq-timeout-ms": "1",
      "x-envoy-original-dst-host": "192.0.2.1:80",
      "x-envoy-auth-partial-body": "true",
      "x-original-url": "/admin",
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-client-cert": "URI=spiffe://other",
      "x-request-id": "mine",
    };
    expect((await send(`${envoy.url}/x`, { host, headers: claims })).status).toBe(200);
    const values = (pairs: [string, string][]): string[] => pairs.filter(([name]) => name in claims).flat();
    const asked = values(headersOf(authorizer.questions[0]));
    const kept = ["x-countersign-override", "token"];
    expect(asked.filter((text) => Object.values(claims).includes(text) && text !== "token")).toEqual([]);
    expect(asked).toEqual(expect.arrayContaining(kept));
    const seen = tool.requests[0]?.headers ?? {};
    const still = Object.entries(claims).filter(([name, value]) => seen[name] === value || seen[name]?.includes(value));
    expect(still).toEqual([]);
    expect(seen).not.toHaveProperty("x-countersign-override");
  });

  test.each([
    ["an escaped slash", "GET /a%2Fb HTTP/1.1\r\nHost: deploy.internal\r\n\r\n", 400],
    ["an escaped backslash", "GET /a%5Cb HTTP/1.1\r\nHost: deploy.internal\r\n\r\n", 400],
    ["a NUL in the path", "GET /a%00b HTTP/1.1\r\nHost: deploy.internal\r\n\r\n", 400],
    ["a fragment", "GET /a#b HTTP/1.1\r\nHost: deploy.internal\r\n\r\n", 400],
    ["a byte above ASCII in the path", "GET /\xe9 HTTP/1.1\r\nHost: deploy.internal\r\n\r\n", 400],
    ["an absolute form", "GET http://other/ HTTP/1.1\r\nHost: deploy.internal\r\n\r\n", 404],
    ["the asterisk form", "OPTIONS * HTTP/1.1\r\nHost: deploy.internal\r\n\r\n", 404],
    ["CONNECT", "CONNECT deploy.internal:443 HTTP/1.1\r\nHost: deploy.internal:443\r\n\r\n", 404],
    ["an underscore", "GET / HTTP/1.1\r\nHost: deploy.internal\r\nx_api_key: 1\r\n\r\n", 400],
    ["an upgrade", "GET / HTTP/1.1\r\nHost: deploy.internal\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 403],
    ["no host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["HTTP/1.0", "GET / HTTP/1.0\r\nHost: deploy.internal\r\n\r\n", 426],
    [
      "two framings",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400],
    ["a large header", `GET / HTTP/1.1\r\nHost: a\r\nx: ${"x".repeat(40_000)}\r\n\r\n`, 431],
  ])("refuses %s itself", async (_name, bytes, status) => {
    expect((await sendRaw(envoy.port, bytes)).status).toBe(status);
    expect(authorizer.questions).toEqual([]);
    expect(tool.requests).toEqual([]);
  });

  test.each([
    ["an unknown host", "Host: other.internal"],
    ["an unknown port", "Host: deploy.internal:99"],
    ["two hosts", "Host: deploy.internal\r\nHost: other.internal"],
    ["a trailing dot", "Host: deploy.internal."],
  ])("asks about %s, and nothing stands behind it", async (_name, line) => {
    expect((await sendRaw(envoy.port, `GET / HTTP/1.1\r\n${line}\r\n\r\n`)).status).toBe(404);
    expect(authorizer.questions).toHaveLength(1);
    expect(tool.requests).toEqual([]);
  });

  test("leaves double slashes to the authorizer", async () => {
    await sendRaw(envoy.port, "GET //a///b HTTP/1.1\r\nHost: deploy.internal\r\n\r\n");
    expect(authorizer.questions.map(({ path }) => path)).toEqual(["//a///b"]);
  });

  test.each([
    [limit, 200, 1],
    [limit + 1, 413, 0],
    [limit + 500_000, 413, 0],
  ])("a body of %d bytes over HTTP/1.1 ends in %d", async (bytes, status, asked) => {
    const answer = await send(`${envoy.url}/x`, { host, body: Buffer.alloc(bytes, "a") });
    expect(answer.status).toBe(status);
    if (status === 413)
      expect(JSON.parse(answer.body)).toMatchObject({ error: "BadRequest", reason: "body_too_large" });
    expect(authorizer.questions).toHaveLength(asked);
    expect(tool.requests).toHaveLength(asked);
  });

  test("over HTTP/2 a body just above the limit is asked about in part, marked as such", async () => {
    await http2Post(envoy.url, Buffer.alloc(limit + 1, "a"));
    const [question] = authorizer.questions;
    expect(question).toMatchObject({ size: String(limit + 1) });
    expect(question?.raw_body).toHaveLength(limit);
    expect(headersOf(question)).toContainEqual(["x-envoy-auth-partial-body", "true"]);
  });

  test("the scheme is the listener's, whatever an HTTP/2 client writes", async () => {
    await http2Post(envoy.url, Buffer.from("x"), { ":scheme": "https" });
    expect(authorizer.questions).toMatchObject([{ scheme: "http", protocol: "HTTP/2" }]);
  });

  test("a denial goes out as it is, and into the access log", async () => {
    const fields = { decision: { stringValue: "deny" }, reason: { stringValue: "max_replicas" } };
    authorizer.answer = () => ({
      status: { code: 7 },
      denied_response: { status: { code: 503 }, body: '{"mine":true}' },
      dynamic_metadata: { fields },
    });
    expect(await send(`${envoy.url}/logged?secret=1`, { host })).toMatchObject({ status: 503, body: '{"mine":true}' });
    const logged = await until(() => envoy.accessLog().find(({ path }) => path === "/logged"), {
      what: "the log line",
    });
    expect(logged).toMatchObject({ status: 503, decision: "deny", reason: "max_replicas", upstream: null });
    expect(JSON.stringify(logged)).not.toContain("secret");
    expect(tool.requests).toEqual([]);
  });

  test("removes after it sets, every repetition, in any case", async () => {
    authorizer.answer = () => ({
      status: { code: 0 },
      ok_response: {
        headers: [
          { header: { key: "x-both", value: "set" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
          { header: { key: "x-twice", value: "one" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
        ],
        headers_to_remove: ["x-both", "X-SECRET", "x-absent"],
      },
    });
    await send(`${envoy.url}/x`, { host, headers: { "x-secret": ["1", "2"], "x-twice": ["1", "2"], "x-both": "1" } });
    const headers = tool.requests[0]?.headers ?? {};
    expect([headers["x-both"], headers["x-secret"], headers["x-twice"]]).toEqual([undefined, undefined, "one"]);
  });

  test("query names are compared undecoded, and the rest comes out sorted", async () => {
    authorizer.answer = () => ({
      status: { code: 0 },
      ok_response: {
        query_parameters_to_remove: ["secret", "s%65cret"],
        query_parameters_to_set: [{ key: "v", value: "9" }],
      },
    });
    await send(`${envoy.url}/x?z=%41+b&secret=1&s%65cret=2&Secret=3&v=1&v=2&bare&secret=4`, { host });
    expect(tool.requests[0]?.url).toBe("/x?Secret=3&bare=&v=9&z=%41+b");
  });

  test.each<[string, CheckResponse & { ok_response: object }]>([
    ["a query value that wants escaping", ok({ query_parameters_to_set: [{ key: "v", value: "a b" }] })],
    ["a query value that is escaped", ok({ query_parameters_to_set: [{ key: "v", value: "a%20b" }] })],
    ["another path", ok({ headers: [overwrite(":path", "/other")] })],
    ["another method", ok({ headers: [overwrite(":method", "DELETE")] })],
    ["another host", ok({ headers: [overwrite("host", "other")] })],
    ["no host", ok({ headers_to_remove: ["host"] })],
    ["fewer of Envoy's headers", ok({ headers_to_remove: ["x-envoy-external-address"] })],
    ["a broken header", ok({ headers: [overwrite("x y", "1")] })],
  ])("an answer that wants %s ends the request", async (_name, response) => {
    authorizer.answer = () => response;
    const answer = await send(`${envoy.url}/x?v=1`, { host });
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body)).toMatchObject({ error: "Unavailable", decision: "deny", status: 500 });
    expect(tool.requests).toEqual([]);
  });

  test("an authorizer that fails, or is late, lets nothing pass", async () => {
    const wanted = { status: 503, error: "Unavailable", decision: "deny", reason: "internal_error" };
    authorizer.answer = () => {
      throw new Error("internal text");
    };
    const failed = await send(`${envoy.url}/x`, { host });
    expect(failed.status).toBe(503);
    expect(failed.body).not.toContain("internal text");

    let release = (_response: CheckResponse): void => {};
    authorizer.answer = () => new Promise((resolve) => (release = resolve));
    const started = performance.now();
    const late = await send(`${envoy.url}/x`, { host });
    const waited = performance.now() - started;
    release(ok({}));
    expect(late).toMatchObject({ status: 503, headers: { "content-type": "application/problem+json" } });
    expect(JSON.parse(late.body)).toMatchObject(wanted);
    expect(waited).toBeGreaterThan(1_900);
    expect(waited).toBeLessThan(10_000);
    expect(tool.requests).toEqual([]);
  });

  test("an authorizer that is not serving is not asked, and asked again when it is", async () => {
    authorizer.setServing(false);
    await until(async () => (await send(`${envoy.url}/x`, { host })).status === 503, { what: "a refusal" });
    const before = authorizer.questions.length;
    expect((await send(`${envoy.url}/x`, { host })).status).toBe(503);
    expect(authorizer.questions).toHaveLength(before);
    authorizer.setServing(true);
    await untilHealthy(envoy.adminUrl);
    await until(async () => (await send(`${envoy.url}/x`, { host })).status === 200, { what: "an answer" });
  });

  test("the admin interface only watches", async () => {
    const status = async (path: string): Promise<number> =>
      (await send(`${envoy.adminUrl}${path}`, { method: "POST" })).status;
    expect(await status("/quitquitquit")).toBe(403);
    expect(await status("/runtime_modify?a=b")).toBe(403);
    expect(await status("/config_dump")).toBe(403);
  });
});

describeWith(envoyProgram, "Envoy without an authorizer", (use) => {
  test("refuses everything until there is one", async () => {
    const [tool, port] = await Promise.all([startExampleTool(), freePort()]);
    const target = { authorizer: { host: "127.0.0.1", port }, tool, waitForAuthorizer: false };
    const envoy = await startEnvoy({ program: use(), ...target });
    try {
      for (const name of [host, "other.internal"]) {
        const answer = await send(`${envoy.url}/x`, { host: name });
        expect(answer).toMatchObject({ status: 503, headers: { "content-type": "application/problem+json" } });
        expect(JSON.parse(answer.body)).toMatchObject({ error: "Unavailable", decision: "deny" });
      }
      expect(tool.requests).toEqual([]);

      const authorizer = await startAuthorizer(port);
      await untilHealthy(envoy.adminUrl);
      expect((await send(`${envoy.url}/x`, { host })).status).toBe(200);
      await authorizer.stop();
      await until(async () => (await send(`${envoy.url}/x`, { host })).status === 503, { what: "a refusal" });
    } finally {
      await envoy.stop();
      await tool.stop();
    }
  });
});

function ok(ok_response: Extract<CheckResponse, { ok_response: object }>["ok_response"]) {
  return { status: { code: 0 as const }, ok_response };
}

function overwrite(key: string, value: string) {
  return { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" as const };
}

async function http2Post(url: string, body: Buffer, more: Record<string, string> = {}): Promise<void> {
  const session = connect(url);
  try {
    await new Promise<void>((resolve, reject) => {
      session.once("error", reject);
      const stream = session.request({ ":method": "POST", ":authority": host, ":path": "/h2", ...more });
      stream.once("error", reject);
      stream.once("close", resolve);
      stream.resume();
      stream.end(body);
    });
  } finally {
    session.close();
  }
}

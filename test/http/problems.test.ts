import { connect } from "node:net";
import { Refusal } from "../../src/refusal.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { type Api, api, as } from "./fixture.js";

let made: Api;
afterEach(() => made.app.close());

/** Sends bytes as they are and reads until the server closes or the answer is whole. */
async function raw(request: string): Promise<{ status: number; head: string; body: string }> {
  const text = await new Promise<string>((resolve, reject) => {
    let received = "";
    const socket = connect(made.port, made.host, () => socket.write(request));
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.on("end", () => resolve(received));
    socket.on("error", reject);
  });
  const [head = "", body = ""] = text.split("\r\n\r\n", 2);
  return { status: Number(head.split(" ")[1]), head: head.toLowerCase(), body };
}

const get = (path: string, headers: string[]) =>
  `${[`GET ${path} HTTP/1.1`, "host: localhost", "connection: close", ...headers].join("\r\n")}\r\n\r\n`;

test("two authorization headers are two credentials, however Node shows them", async () => {
  made = await api();
  const token = "authorization: Bearer token-bob";
  const answer = await raw(get("/v1/approvals", [token, token]));
  expect(answer.status).toBe(401);
  expect(JSON.parse(answer.body)).toMatchObject({ error: "Unauthenticated", reason: "credential_ambiguous" });
});

test("a person's token beside an API key is two credentials", async () => {
  made = await api();
  const headers = { ...as("bob"), "x-api-key": "key-deploy-manager" };
  const response = await made.send({ url: "/v1/approvals", headers });
  expect([response.statusCode, response.json().reason]).toEqual([401, "credential_ambiguous"]);
});

test.each([
  ["a token of nobody", { authorization: "Bearer token-nobody" }, "credential_malformed"],
  ["a person's token as an API key", { "x-api-key": "token-bob" }, "api_key_unknown"],
  ["another scheme", { authorization: "Basic dG9rZW4tYm9i" }, "credential_malformed"],
  ["a query parameter", {}, "credential_missing"],
])("%s proves nobody", async (_name, headers, reason) => {
  made = await api();
  const response = await made.send({ url: "/v1/approvals?access_token=token-bob", headers });
  expect([response.statusCode, response.json().reason]).toEqual([401, reason]);
});

test("bytes that are not HTTP get a problem and the end of the connection", async () => {
  made = await api();
  const answer = await raw("NOT HTTP\r\n\r\n");
  expect(answer.status).toBe(400);
  expect(answer.head).toContain("content-type: application/problem+json");
  expect(JSON.parse(answer.body)).toMatchObject({ status: 400, reason: "malformed_request" });
});

test.each([
  ["GET", "/nowhere", 404, "not_found"],
  ["GET", "/HEALTHZ", 404, "not_found"],
  ["POST", "/healthz", 405, "method_not_allowed"],
  ["DELETE", "/v1/approvals/apr_1", 405, "method_not_allowed"],
  ["OPTIONS", "/v1/approvals", 405, "method_not_allowed"],
  ["GET", "/v1/approvals/apr_1/decision", 405, "method_not_allowed"],
  ["GET", "/%zz", 400, "malformed_request"],
] as const)("%s %s is %d %s", async (method, url, status, reason) => {
  made = await api();
  const response = await made.send({ method, url });
  expect(response.statusCode).toBe(status);
  expect(response.headers["content-type"]).toBe("application/problem+json");
  expect(response.headers["x-content-type-options"]).toBe("nosniff");
  expect(response.json()).toMatchObject({ status, reason });
});

test("405 names what is supported", async () => {
  made = await api();
  expect((await made.send({ method: "PUT", url: "/metrics" })).headers.allow).toBe("GET, HEAD");
});

test.each([
  ["store_unavailable", 503, "store_unavailable", "try again"],
  ["issuer_unavailable", 503, "issuer_unavailable", "try again"],
  ["internal_error", 500, "internal_error", "internal error"],
  ["no_policy", 500, "internal_error", "internal error"],
] as const)("a refusal with %s is a %d with %s", async (reason, status, told, detail) => {
  const identifyAgent = async () => {
    throw new Refusal(reason, "try again", { cause: new Error("connect ECONNREFUSED 10.0.0.7:6379") });
  };
  made = await api({ identifyAgent });
  const response = await made.send({ url: "/v1/approvals", headers: { "x-api-key": "key-deploy-manager" } });
  expect(response.statusCode).toBe(status);
  expect(response.json()).toMatchObject({ status, reason: told, detail });
  expect(response.body).not.toContain("10.0.0.7");
  expect(made.logged).toMatchObject([{ message: detail }]);
});

test("an unknown error is an internal error, and only the log knows the cause", async () => {
  const text = async () => {
    throw new Error("connect ECONNREFUSED 10.0.0.7:6379 password=hunter2");
  };
  made = await api({ metrics: { contentType: "text/plain", text } });
  const response = await made.send({ url: "/metrics", headers: as("viewer") });
  expect(response.statusCode).toBe(500);
  expect(response.json()).toEqual({
    type: "urn:countersign:InternalError",
    title: "Internal Server Error",
    status: 500,
    detail: "internal error",
    error: "InternalError",
    reason: "internal_error",
  });
  expect(made.logged).toHaveLength(1);
  expect(made.logged[0]).toMatchObject({ message: "internal error", details: { method: "GET", route: "/metrics" } });
  expect(String(Object.values(made.logged[0]?.details ?? {})[0])).toContain("hunter2");
});

test("a store that does not answer is 503", async () => {
  made = await api();
  made.here.store.approvals = async () => {
    throw new StoreUnavailable("no answer from 10.0.0.7 in 100ms");
  };
  const response = await made.send({ url: "/v1/approvals", headers: as("bob") });
  expect([response.statusCode, response.json().reason]).toEqual([503, "store_unavailable"]);
  expect(response.body).not.toContain("10.0.0.7");
});

describe("health", () => {
  test("details of readiness are for those who may see them", async () => {
    made = await api();
    expect((await made.send({ url: "/healthz" })).json()).toEqual({ status: "ok" });
    expect((await made.send({ url: "/readyz" })).json()).toEqual({ ready: true });
    expect((await made.send({ url: "/readyz", headers: as("bob") })).json()).toEqual({ ready: true });
    expect((await made.send({ url: "/readyz", headers: as("viewer") })).json()).toEqual({
      ready: true,
      state: { policy_version: "sha256:9f2c" },
    });
  });

  test("not ready is 503 for everybody, and says why to those who may see", async () => {
    made = await api({ ready: () => ({ ready: false, detail: { audit: "disk full" } }) });
    const problem = {
      type: "urn:countersign:Unavailable",
      title: "Service Unavailable",
      status: 503,
      detail: "the authorizer cannot decide now",
      error: "Unavailable",
      reason: "not_ready",
      ready: false,
    };
    const open = await made.send({ url: "/readyz" });
    expect([open.statusCode, open.json()]).toEqual([503, problem]);
    const seen = await made.send({ url: "/readyz", headers: as("viewer") });
    expect([seen.statusCode, seen.json()]).toEqual([503, { ...problem, state: { audit: "disk full" } }]);
  });

  test("metrics have the content type that they name", async () => {
    made = await api();
    const response = await made.send({ url: "/metrics", headers: as("viewer") });
    expect([response.headers["content-type"], response.body]).toEqual([
      "text/plain; version=0.0.4; charset=utf-8",
      "up 1\n",
    ]);
    expect((await made.send({ method: "HEAD", url: "/metrics" })).statusCode).toBe(401);
  });
});

import { connect } from "node:net";
import { type Authority, authority, basic, oddKey } from "../oauth/fixture.js";
import { as } from "./fixture.js";

let here: Authority;
beforeEach(async () => {
  here = await authority();
});
afterEach(() => here.close());

const good = { grant_type: "client_credentials", client_id: "plain", client_secret: "key-plain" };
const encoded = new URLSearchParams(good).toString();
const formType = "application/x-www-form-urlencoded";

/** The answer to a request with exactly these headers. */
function written(headers: string[], body: string): Promise<string> {
  const head = ["POST /oauth2/token HTTP/1.1", "host: x", "connection: close", `content-length: ${body.length}`];
  return new Promise<string>((resolve, reject) => {
    let text = "";
    const socket = connect(here.api.port, here.api.host, () =>
      socket.write([...head, ...headers, "", body].join("\r\n")),
    );
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("end", () => resolve(text));
    socket.on("error", reject);
  });
}
const nothingWasIssued = () => expect(here.recorded()).toEqual([]);

test("a token, as RFC 6749 section 5.1 wants it", async () => {
  const answer = await here.post(good);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({
    "content-type": "application/json",
    "cache-control": "no-store",
    pragma: "no-cache",
    "x-content-type-options": "nosniff",
  });
  expect(answer.json()).toEqual({
    access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    token_type: "Bearer",
    expires_in: 900,
    scope: "*:*",
  });
});

describe("HTTP Basic", () => {
  const grant = { grant_type: "client_credentials" };

  test.each([
    ["plain", "key-plain"],
    ["team/odd:agent@1", oddKey],
  ])("%s with its key", async (id, key) => {
    const answer = await here.post(grant, basic(id, key));
    expect(answer.statusCode).toBe(200);
    expect(here.claims(answer).sub).toBe(id);
  });

  test("the scheme's name has no case, and parts may be encoded without need", async () => {
    const every = (text: string) => text.replace(/./g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
    const { authorization } = basic("plain", "key-plain", every);
    expect((await here.post(grant, { authorization: authorization.replace("Basic", "bAsIc") })).statusCode).toBe(200);
  });

  const raw = (pair: string | Buffer) => `Basic ${Buffer.from(pair).toString("base64")}`;
  const bad: [string, string][] = [
    ["a wrong secret", raw("plain:key-1")],
    ["an unknown client", raw("nobody:key-plain")],
    ["the key of a disabled agent under another name", raw("plain:key-retired")],
    ["parts that are not form-encoded", raw(`team%2Fodd%3Aagent%401:${oddKey}`)],
    ["an id with a bare colon", raw("team/odd:agent@1:x")],
    ["broken percent-encoding", raw("plain:%zz")],
    ["percent-encoded bytes that are not UTF-8", raw("plain:%ff")],
    ["bytes that are not UTF-8", raw(Buffer.from([0x70, 0x3a, 0xff]))],
    ["no colon", raw("plain")],
    ["no secret", raw("plain:")],
    ["no id", raw(":key-plain")],
    ["nothing", raw("")],
    ["padding too much", `${raw("plain:key-plain")}===`],
    ["base64url", `Basic ${Buffer.from("plain:>>>???").toString("base64url")}`],
    ["spare bits", "Basic cGxhaW46a2V5LXBsYWlu\u0041"],
    ["another scheme", "Bearer key-plain"],
    ["no scheme", Buffer.from("plain:key-plain").toString("base64")],
    ["two credentials in one", `${raw("plain:key-plain")}, ${raw("plain:key-plain")}`],
    ["parameters", `${raw("plain:key-plain")} charset=utf-8`],
  ];
  test.each(bad)("%s is invalid_client", async (_name, authorization) => {
    const answer = await here.post(grant, { authorization });
    expect([answer.statusCode, answer.json().error]).toEqual([401, "invalid_client"]);
    expect(answer.headers["www-authenticate"]).toBe('Basic realm="countersign", charset="UTF-8"');
    expect(answer.headers["content-type"]).toBe("application/json");
    nothingWasIssued();
  });

  test("two authorization headers are refused, though Node shows one", async () => {
    const header = `authorization: ${basic("plain", "key-plain").authorization}`;
    const answer = await written([`content-type: ${formType}`, header, header], "grant_type=client_credentials");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain("there is more than one authorization header");
    nothingWasIssued();
  });

  test.each([
    ["the secret in the header and in the body", { client_id: "plain", client_secret: "key-plain" }],
    ["the secret in the body only", { client_secret: "key-plain" }],
    ["another client in the body", { client_id: "idle" }],
  ])("%s is refused", async (_name, more) => {
    const answer = await here.post({ ...grant, ...more }, basic("plain", "key-plain"));
    expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_request"]);
    nothingWasIssued();
  });

  test("the same client_id beside the header says nothing new", async () => {
    const answer = await here.post({ ...grant, client_id: "plain" }, basic("plain", "key-plain"));
    expect(answer.statusCode).toBe(200);
  });
});

test.each([
  ["content-type", [`content-type: ${formType}`, "Content-Type: application/json"]],
  ["content-type", [`content-type: ${formType}`, `content-type: ${formType}`]],
  ["content-encoding", [`content-type: ${formType}`, "content-encoding: identity", "content-encoding: gzip"]],
])("two headers %s are refused, though Node shows one", async (name, headers) => {
  const answer = await written(headers, encoded);
  expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(answer).toContain(`there is more than one ${name} header`);
  nothingWasIssued();
});

describe("hostile bodies", () => {
  const rows: [string, string, Record<string, string>, number, string][] = [
    ["JSON", JSON.stringify(good), { "content-type": "application/json" }, 415, "invalid_request"],
    ["JSON that calls itself a form", JSON.stringify(good), {}, 400, "invalid_request"],
    ["text", encoded, { "content-type": "text/plain" }, 415, "invalid_request"],
    ["multipart", encoded, { "content-type": "multipart/form-data; boundary=x" }, 415, "invalid_request"],
    ["another charset", encoded, { "content-type": `${formType}; charset=iso-8859-1` }, 415, "invalid_request"],
    ["UTF-7", encoded, { "content-type": `${formType}; charset=utf-7` }, 415, "invalid_request"],
    ["another parameter", encoded, { "content-type": `${formType}; boundary=x` }, 415, "invalid_request"],
    ["two charsets", encoded, { "content-type": `${formType}; charset=utf-8; charset=x` }, 415, "invalid_request"],
    ["a type that only begins alike", encoded, { "content-type": `${formType}x` }, 415, "invalid_request"],
    ["a compressed body", encoded, { "content-encoding": "gzip" }, 415, "invalid_request"],
    ["nothing", "", {}, 400, "invalid_request"],
    ["1 MiB", `${encoded}&x=${"a".repeat(1_048_576)}`, {}, 413, "invalid_request"],
    ["32 KiB and a byte", `${encoded}&x=${"a".repeat(32_768 - encoded.length - 2)}`, {}, 413, "invalid_request"],
    ["2000 parameters", Array.from({ length: 2000 }, (_, i) => `a${i}=1`).join("&"), {}, 400, "invalid_request"],
    ["a parameter twice", `${encoded}&client_id=plain`, {}, 400, "invalid_request"],
    ["a parameter twice, once empty", `${encoded}&scope=&scope=x`, {}, 400, "invalid_request"],
    ["a parameter twice, once encoded", `${encoded}&client%5Fid=plain`, {}, 400, "invalid_request"],
    ["a parameter twice, in another case", `${encoded}&Client_Id=plain`, {}, 400, "invalid_request"],
    ["an unknown parameter twice", `${encoded}&a=1&a=2`, {}, 400, "invalid_request"],
    ["semicolons", encoded.replaceAll("&", ";"), {}, 400, "invalid_request"],
    ["a raw space", `${encoded}&scope=a:b c:d`, {}, 400, "invalid_request"],
    ["a line break at the end", `${encoded}\n`, {}, 400, "invalid_request"],
    ["raw UTF-8", `${encoded}&x=é`, {}, 400, "invalid_request"],
    ["encoded bytes that are not UTF-8", `${encoded}&x=%ff`, {}, 400, "invalid_request"],
    ["an overlong encoding", `${encoded}&x=%c0%af`, {}, 400, "invalid_request"],
    ["a NUL", `${encoded}&x=%00`, {}, 400, "invalid_request"],
    ["a broken encoding", `${encoded}&x=%4`, {}, 400, "invalid_request"],
    ["a parameter without a name", `${encoded}&=x`, {}, 400, "invalid_request"],
    ["an empty pair", `${encoded}&&x=1`, {}, 400, "invalid_request"],
    ["__proto__", `${encoded}&__proto__=x`, {}, 400, "invalid_request"],
    ["grant_type constructor", "grant_type=constructor", {}, 400, "unsupported_grant_type"],
  ];
  test.each(rows)("%s", async (_name, body, headers, status, error) => {
    const answer = await here.post(body, headers);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.json().error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{8,}$/);
    expect(answer.body).not.toContain("key-plain");
    nothingWasIssued();
  });

  test.each([
    ["charset=utf-8", `${formType};charset=UTF-8`],
    ["a quoted charset", `${formType}; charset="utf-8"`],
    ["another case", "Application/X-WWW-Form-Urlencoded"],
  ])("%s is the same form", async (_name, type) => {
    expect((await here.post(good, { "content-type": type })).statusCode).toBe(200);
  });

  test("exactly 32 KiB are read", async () => {
    const body = `${encoded}&x=${"a".repeat(32_768 - encoded.length - 3)}`;
    expect((await here.post(body)).statusCode).toBe(200);
  });

  test("unknown parameters mean nothing, and one without a value is left out", async () => {
    const answer = await here.post(`${encoded}&scope=&audience=&nonce=1&x&subject_token=y`);
    expect([answer.statusCode, answer.json().scope]).toEqual([200, "*:*"]);
  });
});

describe("queries", () => {
  test.each([
    ["everything", `?${encoded}`, ""],
    ["the secret", "?client_secret=key-plain", "grant_type=client_credentials&client_id=plain"],
    ["one of them", "?scope=*:*", encoded],
    ["nothing", "?", encoded],
  ])("%s in the query is refused", async (_name, query, body) => {
    for (const path of ["/oauth2/token", "/oauth2/revoke"]) {
      const answer = await here.post(body, {}, `${path}${query}`);
      expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_request"]);
    }
    nothingWasIssued();
  });

  test.each(["GET", "PUT", "DELETE", "OPTIONS"])("%s is no way to get a token", async (method) => {
    const answer = await here.api.send({ method, url: `/oauth2/token?${encoded}` });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, "POST"]);
    nothingWasIssued();
  });
});

test("forms are read nowhere else", async () => {
  const headers = { "content-type": formType, ...as("carol") };
  for (const url of ["/v1/policies/release", "/v1/policies/rollback", "/v1/approvals/apr_1/decision"]) {
    const answer = await here.api.send({ method: "POST", url, headers, payload: "decision=approve" });
    expect([answer.statusCode, answer.json().reason]).toEqual([415, "unsupported_content_type"]);
  }
});

test("an error of ours says nothing of its cause", async () => {
  here.registry = {
    ...here.registry,
    agentByApiKey: () => {
      throw new Error("ENOENT /etc/secret");
    },
  };
  const answer = await here.post(good);
  expect([answer.statusCode, answer.json().reason]).toEqual([500, "internal_error"]);
  expect(answer.body).not.toContain("secret");
  expect(here.api.logged).toHaveLength(1);
});

describe("what is published", () => {
  test("the key set", async () => {
    const answer = await here.api.send({ url: "/.well-known/jwks.json" });
    expect(answer.headers).toMatchObject({
      "content-type": "application/jwk-set+json",
      "cache-control": "public, max-age=300",
    });
    expect(answer.json()).toEqual({
      keys: [{ kty: "OKP", crv: "Ed25519", x: expect.any(String), kid: here.key.kid, alg: "EdDSA", use: "sig" }],
    });
  });

  test("the configuration", async () => {
    const answer = await here.api.send({ url: "/.well-known/openid-configuration" });
    expect(answer.headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "public, max-age=300",
    });
    expect(answer.json()).toEqual({
      issuer: "http://127.0.0.1:9192",
      jwks_uri: "http://127.0.0.1:9192/.well-known/jwks.json",
      token_endpoint: "http://127.0.0.1:9192/oauth2/token",
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
      revocation_endpoint: "http://127.0.0.1:9192/oauth2/revoke",
      revocation_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
      grant_types_supported: ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
      response_types_supported: [],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["EdDSA"],
      authorization_details_types_supported: ["countersign_task"],
    });
  });
});

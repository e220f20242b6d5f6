import { PageError, type PageErrorCode } from "../../src/page/error.js";
import { loadRegistry } from "../../src/registry/load.js";
import { type Api, api, as, hash, pageOf, session } from "./fixture.js";
import { cookieOf, ownPage, signedIn, signInWith } from "./page_fixture.js";

let made: Api;
let id: string;
beforeEach(async () => {
  made = await api();
  id = await made.here.open();
});
afterEach(() => made.app.close());

const begun = { cookie: "countersign_sign_in=t" };
const nobody = { person: null, csrf: null, link: null, oidc: false };
const decide = () => ({ method: "POST", url: `/v1/approvals/${id}/decision`, payload: { decision: "approve" } });
const show = { url: "/approvals/session" };

test("somebody signs in, looks, decides, and signs out", async () => {
  const answer = await signInWith(made, "token-bob");
  expect(answer.headers["set-cookie"]).toEqual([
    expect.stringMatching(/^countersign_session=[\w.-]+; Max-Age=28800; Path=\/; HttpOnly; SameSite=Strict$/),
  ]);
  const view = {
    person: { id: "bob@example.com", access: ["approver"], groups: ["sre"] },
    csrf: expect.any(String),
    link: null,
    oidc: false,
  };
  expect(answer.json()).toEqual(view);

  const bob = await signedIn(made, "bob");
  expect((await bob.send(show)).json()).toEqual({ ...view, csrf: bob.csrf });
  const listed = await bob.send({ url: "/v1/approvals?status=pending" });
  expect(listed.json().approvals).toHaveLength(1);
  expect((await bob.send({ url: `/v1/approvals/${id}` })).json().risk).toMatchObject({ environment: "production" });
  expect((await bob.change(decide())).json()).toMatchObject({
    status: "approved",
    decisions: [{ approver: "bob@example.com" }],
  });

  const out = await bob.change({ method: "DELETE", url: "/approvals/session" });
  expect([out.statusCode, out.body]).toEqual([204, ""]);
  expect(out.headers["set-cookie"]).toEqual([
    "countersign_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict",
    "countersign_link=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
  ]);
});

test("nobody has signed in", async () => {
  expect((await made.send(show)).json()).toEqual(nobody);
  expect((await made.send({ ...show, headers: { cookie: "countersign_session=x" } })).json()).toEqual(nobody);
  expect((await made.send({ ...show, headers: await made.agent("deploy-manager") })).json()).toEqual(nobody);
});

test("over https the cookie is for this host alone", async () => {
  const secure = await api({ page: pageOf(made.here, { publicUrl: "https://countersign.example" }) });
  const answer = await signInWith(secure, "token-bob", { origin: "https://countersign.example" });
  expect(answer.headers["set-cookie"]?.[0]).toMatch(/^__Host-countersign_session=.*; Secure; SameSite=Strict$/);
  expect((await signInWith(secure, "token-bob", { origin: "http://127.0.0.1:9192" })).statusCode).toBe(403);
  await secure.app.close();
});

describe("a session that has ended", () => {
  const look = async (cookie: string) => (await made.send({ url: "/v1/approvals", headers: { cookie } })).statusCode;
  const people = (text: string) => loadRegistry({ people: { file: "people.yaml", text: `people: [${text}]` } });

  test("ended by its time", async () => {
    const { cookie } = await signedIn(made, "bob");
    made.here.nowMs += 28_799_000;
    expect(await look(cookie)).toBe(200);
    made.here.nowMs += 1_000;
    expect(await look(cookie)).toBe(401);
  });

  test("ended with the token, the person, or their access", async () => {
    const { cookie, send, change } = await signedIn(made, "bob");
    const token = (text: string) => `tokens: [{sha256: ${hash(text)}}]`;
    made.here.registry = people(`{id: bob@example.com, access: [approver], ${token("a new one")}}`);
    expect(await look(cookie)).toBe(401);
    expect((await change(decide())).statusCode).toBe(401);
    expect((await send(show)).json()).toEqual(nobody);
    made.here.registry = people(`{id: carol@example.com, access: [approver], ${token("token-bob")}}`);
    expect(await look(cookie)).toBe(401);
    made.here.registry = people(`{id: bob@example.com, access: [viewer], ${token("token-bob")}}`);
    expect(await look(cookie)).toBe(403);
    expect((await change(decide())).statusCode).toBe(403);
    expect((await made.here.stored(id)).status).toBe("pending");
  });
});

describe("a request that another site has the browser make", () => {
  const json = { "content-type": "application/json" };
  const rows: [string, Record<string, string>, string][] = [
    ["without anything", {}, "foreign_origin"],
    ["from another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }, "foreign_origin"],
    ["from another site, by an old browser", { origin: "https://evil.example" }, "foreign_origin"],
    ["from a sandboxed frame", { origin: "null" }, "foreign_origin"],
    ["from a neighbour", { origin: "http://127.0.0.1:8080", "sec-fetch-site": "same-site" }, "foreign_origin"],
    ["with an origin that it could not have", { ...ownPage, "sec-fetch-site": "cross-site" }, "foreign_origin"],
    ["from the page, without the token", ownPage, "csrf_token"],
    ["from the page, with an empty token", { ...ownPage, "x-csrf-token": "" }, "csrf_token"],
    ["from the page, with another token", { ...ownPage, "x-csrf-token": "A".repeat(43) }, "csrf_token"],
  ];

  test.each(rows)("%s is refused", async (_what, headers, reason) => {
    const bob = await signedIn(made, "bob");
    const urls = [`/v1/approvals/${id}/decision`, `/v1/approvals/${id}/revoke`];
    for (const url of urls) {
      const answer = await bob.send({ method: "POST", url, headers: { ...json, ...headers }, payload: "{broken" });
      expect([answer.statusCode, answer.json().reason]).toEqual([403, reason]);
    }
    const out = await bob.send({ method: "DELETE", url: "/approvals/session", headers });
    expect([out.statusCode, out.json().reason]).toEqual([403, reason]);
    expect((await made.here.stored(id)).status).toBe("pending");
  });

  test("with the token alone, or the token of somebody else's session, is refused", async () => {
    const [bob, carol] = [await signedIn(made, "bob"), await signedIn(made, "carol")];
    for (const headers of [{ "x-csrf-token": bob.csrf }, { ...ownPage, "x-csrf-token": carol.csrf }]) {
      expect((await bob.send({ ...decide(), headers })).statusCode).toBe(403);
    }
    expect((await made.here.stored(id)).status).toBe("pending");
  });

  test("as a form or as text is refused, even with all else right", async () => {
    const bob = await signedIn(made, "bob");
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
      const payload = '{"decision":"approve"}';
      const answer = await bob.change({ ...decide(), headers: { "content-type": type }, payload });
      expect([type, answer.statusCode]).toEqual([type, 415]);
    }
  });

  test("by GET changes nothing", async () => {
    const bob = await signedIn(made, "bob");
    for (const url of [
      `/v1/approvals/${id}/decision?decision=approve`,
      `/v1/approvals/${id}/revoke`,
      `/v1/approvals/${id}?decision=approve`,
      `/approvals/${id}?decision=approve`,
      `/approvals/session?token=token-bob`,
    ]) {
      for (const method of ["GET", "HEAD"]) await bob.change({ method, url });
    }
    expect(await made.here.stored(id)).toMatchObject({ status: "pending", answers: [] });
  });

  test("to sign somebody in as somebody else is refused", async () => {
    for (const headers of [{}, { origin: "https://evil.example" }, { ...ownPage, "sec-fetch-site": "none" }]) {
      const answer = await signInWith(made, "token-bob", headers);
      expect([answer.statusCode, answer.headers["set-cookie"]]).toEqual([403, undefined]);
    }
  });
});

describe("beside a cookie", () => {
  test("a credential counts, and the cookie does not", async () => {
    const bob = await signedIn(made, "bob");
    expect((await bob.send({ url: "/v1/approvals", headers: as("nothing") })).statusCode).toBe(403);
    expect((await bob.send({ url: "/v1/approvals", headers: as("unknown") })).statusCode).toBe(401);
    expect((await bob.send({ url: "/v1/approvals", headers: { "x-api-key": "no" } })).statusCode).toBe(401);
    expect((await bob.send({ url: "/v1/approvals", headers: { authorization: "" } })).statusCode).toBe(401);
    expect((await bob.send({ ...show, headers: as("carol") })).json()).toMatchObject({
      person: { id: "carol@example.com" },
      csrf: null,
    });
    // No word of the session is asked for then.
    expect((await bob.send({ ...decide(), headers: as("carol") })).json().status).toBe("approved");
  });

  test("another of its name spoils both", async () => {
    const [bob, carol] = [await signedIn(made, "bob"), await signedIn(made, "carol")];
    for (const cookie of [`${bob.cookie}; ${carol.cookie}`, `countersign_session=; ${bob.cookie}`]) {
      expect((await made.send({ url: "/v1/approvals", headers: { cookie } })).statusCode).toBe(401);
    }
  });

  test("an agent's call is not a person's", async () => {
    const bob = await signedIn(made, "bob");
    const call = { method: "POST", url: "/v1/check", payload: { tool: "shell", action: "crawl" } };
    expect((await bob.change(call)).statusCode).toBe(401);
    const token = {
      method: "POST",
      url: "/oauth2/token",
      headers: { "content-type": "application/json" },
      payload: {},
    };
    expect((await bob.change(token)).statusCode).toBe(415);
    expect(session.id).toBe("abc-123");
  });
});

describe("hostile cookies", () => {
  test.each<[string, (good: string) => string]>([
    ["large", (good) => `${good}${"x".repeat(4_000)}`],
    ["many", (good) => `${"a=b; ".repeat(2_000)}${good}x`],
    ["one character changed", (good) => good.replace(/.(?=.{9}$)/, (one) => (one === "A" ? "B" : "A"))],
    ["quoted and escaped", (good) => good.replace("=", '="%0d%0aset-cookie:')],
    ["not UTF-8", () => "countersign_session=%ff%fe"],
    ["a link in its place", () => "countersign_session=eyJhbGciOiJub25lIn0.e30."],
  ])("%s", async (_what, change) => {
    const { cookie } = await signedIn(made, "bob");
    const answer = await made.send({ url: "/v1/approvals", headers: { cookie: change(cookie) } });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
  });

  test("more of them than a request may have", async () => {
    const cookie = `a=${"x".repeat(40_000)}`;
    const answer = await made.send({ url: "/v1/approvals", headers: { cookie } });
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect((await made.send(show)).statusCode).toBe(200);
  });
});

describe("many sign-ins", () => {
  test("that fail are slowed down, and nobody's good one for theirs", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) statuses.push((await signInWith(made, `guess-${i}`)).statusCode);
    expect(statuses).toEqual([...Array(20).fill(401), ...Array(5).fill(429)]);
    const bad = await signInWith(made, "guess");
    expect([bad.statusCode, bad.headers["retry-after"], cookieOf(bad)]).toEqual([429, "3", ""]);
    const good = await signInWith(made, "token-bob");
    expect([good.statusCode, cookieOf(good)]).toEqual([200, expect.stringMatching(/^countersign_session=./)]);
    expect((await signInWith(made, "guess")).statusCode).toBe(429);
    made.here.nowMs += 3_000;
    expect((await signInWith(made, "guess")).statusCode).toBe(401);
  });

  test("at once are no way around that", async () => {
    const all = await Promise.all(Array.from({ length: 60 }, (_, i) => signInWith(made, `guess-${i}`)));
    expect(all.filter(({ statusCode }) => statusCode === 401)).toHaveLength(20);
  });

  test.each<[string, PageErrorCode, Record<string, string>, number]>([
    ["that another web site begins slow down nobody", "sign_in_invalid", {}, 401],
    ["that the provider fails at slow down nobody", "provider_unavailable", begun, 401],
    ["that the provider refuses are slowed down", "sign_in_refused", begun, 429],
  ])("%s (%s)", async (_what, code, headers, status) => {
    const refused = async () => {
      throw new PageError(code);
    };
    const oidc = { issuer: "https://idp.example", signIn: { start: refused, finish: refused } };
    const page = await api({ page: pageOf(made.here, { oidc }) });
    for (let i = 0; i < 25; i++) await page.send({ url: "/approvals/oidc/callback?code=a&state=x", headers });
    expect((await signInWith(page, "guess")).statusCode).toBe(status);
    await page.app.close();
  });

  test("that succeed are not", async () => {
    for (let i = 0; i < 30; i++) expect((await signInWith(made, "token-bob")).statusCode).toBe(200);
  });

  test.each([
    {},
    { token: "" },
    { token: 7 },
    { token: ["token-bob"] },
    { token: "x".repeat(9_000) },
    { token: "x", more: 1 },
  ])("in another form are refused: %j", async (payload) => {
    const answer = await made.send({ method: "POST", url: "/approvals/session", headers: ownPage, payload });
    expect(answer.statusCode).toBe(400);
  });

  test("an agent's key signs nobody in", async () => {
    expect((await signInWith(made, "key-deploy-manager")).statusCode).toBe(401);
  });
});

import { issueLink } from "../../src/approvals/link.js";
import { type Api, api, pageOf } from "./fixture.js";
import { cookieOf, ownPage, signedIn } from "./page_fixture.js";

let made: Api;
let id: string;
let other: string;
beforeEach(async () => {
  made = await api();
  id = await made.here.open();
  other = await made.here.open();
});
afterEach(() => made.app.close());

const minute = 60_000;
const linkTo = (approval = id, ttlMs = minute) =>
  issueLink(made.here.key, { id: approval, agent: "deploy-manager" }, ttlMs, made.here.nowMs);
const follow = (link = linkTo(), headers: Record<string, string> = {}, method = "GET") =>
  made.send({ method, url: `/approvals/open?link=${link}`, headers });

test("a link opens one approval, with what makes it risky", async () => {
  const opened = await follow();
  expect([opened.statusCode, opened.headers.location]).toEqual([303, `/approvals/${id}`]);
  expect(opened.headers["set-cookie"]).toEqual([
    expect.stringMatching(/^countersign_link=[\w.-]+; Max-Age=60; Path=\/; HttpOnly; SameSite=Lax$/),
  ]);
  const cookie = cookieOf(opened);
  expect((await made.send({ url: "/approvals/session", headers: { cookie } })).json()).toEqual({
    person: null,
    csrf: null,
    link: { approval_id: id },
    oidc: false,
  });
  const shown = await made.send({ url: `/v1/approvals/${id}`, headers: { cookie } });
  expect(shown.json()).toMatchObject({ id, status: "pending", risk: { rules: ["allowed_environments"] } });
  expect(shown.body).not.toContain("override_token");
});

test("it opens nothing else", async () => {
  const cookie = cookieOf(await follow());
  const status = async (url: string) => (await made.send({ url, headers: { cookie } })).statusCode;
  expect(await status(`/v1/approvals/${other}`)).toBe(404);
  for (const url of [
    "/v1/approvals",
    "/v1/agents",
    "/v1/policies",
    "/metrics",
    "/v1/sessions/abc-123/attestation",
    "/v1/usage/deploy-manager",
    "/bundles/countersign.tar.gz",
  ]) {
    expect([url, await status(url)]).toEqual([url, 403]);
  }
  expect((await made.send({ url: "/readyz", headers: { cookie } })).json()).not.toHaveProperty("state");
});

test("it decides nothing, whoever has it", async () => {
  const link = cookieOf(await follow());
  const [viewer, auditor, nothing] = [
    await signedIn(made, "viewer"),
    await signedIn(made, "auditor"),
    await signedIn(made, "nothing"),
  ];
  const changes = [
    ["decision", { decision: "approve" }],
    ["revoke", {}],
  ] as const;
  for (const [act, payload] of changes) {
    const sent = { method: "POST", url: `/v1/approvals/${id}/${act}`, payload };
    expect((await made.send({ ...sent, headers: { ...ownPage, cookie: link } })).statusCode).toBe(403);
    expect((await made.send({ ...sent, headers: { ...ownPage, cookie: link, "x-csrf-token": link } })).statusCode).toBe(
      403,
    );
    for (const one of [viewer, auditor, nothing]) {
      expect((await one.change({ ...sent, headers: { cookie: `${one.cookie}; ${link}` } })).statusCode).toBe(403);
    }
  }
  expect(await made.here.stored(id)).toMatchObject({ status: "pending", answers: [] });
});

test("who has signed in without the access sees that one by the link", async () => {
  const viewer = await signedIn(made, "viewer");
  const cookie = `${viewer.cookie}; ${cookieOf(await follow())}`;
  expect((await viewer.send({ url: `/v1/approvals/${id}` })).statusCode).toBe(403);
  const shown = await made.send({ url: `/v1/approvals/${id}`, headers: { cookie } });
  expect(shown.json()).toMatchObject({ id, risk: { environment: "production" } });
  expect((await made.send({ url: `/v1/approvals/${other}`, headers: { cookie } })).statusCode).toBe(404);
  expect((await made.send({ url: "/approvals/session", headers: { cookie } })).json()).toMatchObject({
    person: { id: "view@example.com" },
    link: { approval_id: id },
  });
});

test("an approver who has signed in sees more than the link", async () => {
  const bob = await signedIn(made, "bob");
  const headers = { cookie: `${bob.cookie}; ${cookieOf(await follow())}` };
  expect((await bob.send({ url: `/v1/approvals/${other}`, headers })).statusCode).toBe(200);
  const decided = await bob.change({
    method: "POST",
    url: `/v1/approvals/${other}/decision`,
    headers,
    payload: { decision: "deny" },
  });
  expect(decided.json().status).toBe("denied");
});

test("previews that follow it change nothing", async () => {
  const link = linkTo();
  for (const method of ["GET", "HEAD", "GET"]) {
    expect((await follow(link, { "user-agent": "preview" }, method)).statusCode).toBe(303);
  }
  expect(await made.here.stored(id)).toMatchObject({ status: "pending", answers: [] });
  expect(made.here.records.kept).toEqual([]);
});

describe("a link that does not hold", () => {
  test("any more", async () => {
    const opened = await follow();
    made.here.nowMs += minute;
    expect((await follow(linkTo(id, 0))).statusCode).toBe(401);
    const shown = await made.send({ url: `/v1/approvals/${id}`, headers: { cookie: cookieOf(opened) } });
    expect(shown.statusCode).toBe(401);
  });

  test("is told to people as a page that sets nothing", async () => {
    const answer = await follow("<script>alert(1)</script>".replace(/[<>]/g, encodeURIComponent), {
      accept: "text/html,application/xhtml+xml,*/*;q=0.8",
    });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
    expect(answer.headers["set-cookie"]).toBeUndefined();
    expect(answer.body).toContain("sign in to see the approval");
    expect(answer.body).not.toContain("alert(");
  });

  test.each(["?link=x&link=y", "?link=", "", "?link=x&return=//evil.example"])("in another form: %p", async (query) => {
    expect((await made.send({ url: `/approvals/open${query}` })).statusCode).toBe(400);
  });

  test("because it is a session, or of other keys", async () => {
    const bob = await signedIn(made, "bob");
    expect((await follow(bob.cookie.split("=")[1])).statusCode).toBe(401);
    const link = linkTo();
    const swapped = { cookie: `countersign_session=${link}` };
    expect((await made.send({ url: "/v1/approvals", headers: swapped })).statusCode).toBe(401);
    const session = { cookie: `countersign_link=${bob.cookie.split("=")[1]}` };
    expect((await made.send({ url: `/v1/approvals/${id}`, headers: session })).statusCode).toBe(401);
  });

  test("because there are two of them", async () => {
    const cookie = `${cookieOf(await follow())}; ${cookieOf(await follow(linkTo(other)))}`;
    expect((await made.send({ url: `/v1/approvals/${id}`, headers: { cookie } })).statusCode).toBe(401);
  });
});

describe("where to go after a sign-in", () => {
  const hostile = [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "/approvals/../v1/agents",
    "/approvals//evil.example",
    "/approvals/apr_1/../../x",
    "/approvals/session",
    "/approvals/open?link=x",
    "/approvals/apr_1?x=y",
    "/approvals/apr_1#x",
    "/approvals\r\nset-cookie: a=b",
    "/approvals/apr_1\n",
    "/approvals/apr_1%0d%0aset-cookie:%20a=b",
    "/approvalsx",
    "approvals",
    "",
  ];

  test.each(hostile)("is not %p", async (place) => {
    const asked: string[] = [];
    const signIn = {
      start: async (returnTo: string) => {
        asked.push(returnTo);
        return { location: "https://idp.example/auth", token: "t" };
      },
      finish: async () => {
        throw new Error("not reached");
      },
    };
    const page = pageOf(made.here, { oidc: { issuer: "https://idp.example", signIn } });
    const withOidc = await api({ page });
    const url = `/approvals/oidc/start?return=${encodeURIComponent(place)}`;
    const answer = await withOidc.send({ url });
    expect([answer.statusCode, answer.json().reason]).toEqual([400, "malformed_parameter"]);
    expect(answer.headers["set-cookie"]).toBeUndefined();
    expect((await withOidc.send({ url: "/approvals/oidc/start?return=/approvals/apr_1" })).statusCode).toBe(302);
    expect((await withOidc.send({ url: "/approvals/oidc/start" })).statusCode).toBe(302);
    expect(asked).toEqual(["/approvals/apr_1", "/approvals"]);
    await withOidc.app.close();
  });
});

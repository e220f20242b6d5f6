import { loadRegistry } from "../../src/registry/load.js";
import { browser } from "../harness/http_browser.js";
import { type Place, place } from "./oidc_fixture.js";

let here: Place;
beforeAll(async () => {
  here = await place();
});
afterAll(() => here.stop());

const bob = "bob@example.com";
const session = async (person: ReturnType<typeof browser>) =>
  (await person.get(`${here.base}/approvals/session`)).json() as Promise<{
    person: { id: string } | null;
    csrf: string | null;
    oidc: boolean;
  }>;
const cookieNames = (person: ReturnType<typeof browser>) => [...person.cookies.keys()];

describe("somebody who signs in", () => {
  test("is sent to the provider with everything that binds the answer", async () => {
    const person = browser();
    const started = await person.get(`${here.base}/approvals/oidc/start`);
    expect(started.status).toBe(302);
    const { origin, searchParams } = new URL(started.headers.get("location") ?? "");
    expect(origin).toBe(here.openId.issuer);
    expect(Object.fromEntries(searchParams)).toEqual({
      response_type: "code",
      client_id: "countersign-page",
      redirect_uri: "http://127.0.0.1:9192/approvals/oidc/callback",
      scope: "openid email",
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
    });
    const [cookie] = started.headers.getSetCookie();
    expect(cookie).toMatch(/^countersign_sign_in=[^;]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  test("is the person whom the provider names, back where they were", async () => {
    const { person, answer } = await here.signIn(bob, "/approvals/apr_1");
    expect([answer.status, answer.headers.get("location")]).toEqual([302, "/approvals/apr_1"]);
    expect(answer.headers.getSetCookie()).toEqual([
      "countersign_sign_in=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
      expect.stringMatching(/^countersign_session=[^;]+; Max-Age=28800; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect(cookieNames(person)).toEqual(["countersign_session"]);
    const seen = await session(person);
    expect(seen).toMatchObject({ person: { id: bob }, oidc: true, csrf: expect.any(String) });

    const id = await here.made.here.open();
    const cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const decided = await here.made.send({
      method: "POST",
      url: `/v1/approvals/${id}/decision`,
      headers: { cookie, origin: "http://127.0.0.1:9192", "x-csrf-token": String(seen.csrf) },
      payload: { decision: "approve" },
    });
    expect(decided.json()).toMatchObject({ status: "approved", decisions: [{ approver: bob }] });
  });

  test("what the provider offers is asked for once", () => {
    expect(here.openId.asked.filter((path) => path.startsWith("/.well-known/"))).toHaveLength(1);
  });

  test("no longer than a session lasts", async () => {
    const { person } = await here.signIn(bob);
    here.ahead.ms = 28_800_000;
    expect((await session(person)).person).toBeNull();
    here.ahead.ms = 0;
    expect((await session(person)).person).not.toBeNull();
  });

  test("until they leave people.yaml", async () => {
    const { person } = await here.signIn(bob);
    const before = here.made.here.registry;
    here.made.here.registry = loadRegistry({});
    expect((await session(person)).person).toBeNull();
    here.made.here.registry = before;
  });
});

describe("nobody is signed in", () => {
  async function refused(person: ReturnType<typeof browser>, url: string, status: number, reason: string) {
    const answer = await person.get(url);
    const body = (await answer.json()) as { reason: string };
    expect([answer.status, body.reason]).toEqual([status, reason]);
    expect(cookieNames(person)).toEqual([]);
    expect(answer.headers.getSetCookie()).toEqual(["countersign_sign_in=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]);
  }

  test("who is unknown here", async () => {
    const person = browser();
    await refused(person, await here.cameBack(person, "mallory@example.com"), 401, "person_unknown");
  });

  test("an alias is nobody where the entry does not say so", async () => {
    const person = browser();
    await refused(person, await here.cameBack(person, "bob"), 401, "person_unknown");
  });

  test("with a state of another sign-in", async () => {
    const [person, other] = [browser(), browser()];
    const [mine, theirs] = [await here.cameBack(person, bob), await here.cameBack(other, bob)];
    // The attacker's answer in the victim's browser.
    await refused(person, theirs, 401, "sign_in_invalid");
    const wrong = new URL(await here.cameBack(other, bob));
    wrong.searchParams.set("state", "x".repeat(43));
    await refused(other, wrong.href, 401, "sign_in_invalid");
    expect(mine).toContain("code=");
  });

  test("with another nonce in the ID token", async () => {
    const person = browser();
    const change = (to: URL) => to.searchParams.set("nonce", "n".repeat(43));
    await refused(person, await here.cameBack(person, bob, change), 401, "sign_in_invalid");
  });

  test("with a code for another challenge", async () => {
    const person = browser();
    const change = (to: URL) => to.searchParams.set("code_challenge", "c".repeat(43));
    await refused(person, await here.cameBack(person, bob, change), 401, "sign_in_invalid");
  });

  test("by an answer that was used already, even with the cookie kept", async () => {
    const person = browser();
    const url = await here.cameBack(person, bob);
    const kept = new Map(person.cookies);
    expect((await person.get(url)).status).toBe(302);
    const asked = here.openId.asked.length;
    const thief = browser();
    for (const [name, value] of kept) thief.cookies.set(name, value);
    await refused(thief, url, 401, "sign_in_unknown");
    // The provider was not even asked, so it cannot end the first sign-in for it.
    expect(here.openId.asked.length).toBe(asked);
  });

  test("in a browser that did not begin it, or too long ago", async () => {
    await refused(browser(), await here.cameBack(browser(), bob), 401, "sign_in_unknown");
    const late = browser();
    const url = await here.cameBack(late, bob);
    here.ahead.ms = 600_000;
    await refused(late, url, 401, "sign_in_unknown");
    here.ahead.ms = 0;
  });

  test("with a cookie of another kind, or two of them", async () => {
    const { person: signedIn } = await here.signIn(bob);
    const person = browser();
    const url = await here.cameBack(person, bob);
    const own = person.cookies.get("countersign_sign_in");
    const session = signedIn.cookies.get("countersign_session");
    for (const cookie of [
      `countersign_sign_in=${session}`,
      `countersign_sign_in=${own}; countersign_sign_in=${own}`,
      `countersign_sign_in=${own}x`,
    ]) {
      const answer = await browser().get(url, { cookie });
      expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([401, "sign_in_unknown"]);
    }
  });

  test("who said no at the provider, or came with nonsense", async () => {
    for (const [query, reason] of [
      ["error=access_denied", "sign_in_refused"],
      ["error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%0d%0aset-cookie:a=b", "sign_in_refused"],
      ["code=x&code=y", "sign_in_invalid"],
      ["code=x", "sign_in_invalid"],
      ["", "sign_in_invalid"],
    ] as const) {
      const person = browser();
      const url = new URL(await here.cameBack(person, bob));
      const state = url.searchParams.get("state");
      const iss = encodeURIComponent(here.openId.issuer);
      await refused(person, `${url.origin}${url.pathname}?${query}&state=${state}&iss=${iss}`, 401, reason);
    }
  });
});

import { loadRegistry } from "../../src/registry/load.js";
import { browser } from "../harness/http_browser.js";
import { type Place, place } from "./oidc_fixture.js";

let here: Place;
afterEach(() => here.stop());
const bob = "bob@example.com";

async function comesBack(): Promise<[number, string | null]> {
  const { answer } = await here.signIn(bob);
  if (answer.status === 302) return [302, answer.headers.get("location")];
  return [answer.status, ((await answer.json()) as { reason: string }).reason];
}

test.each(["client_secret_basic", "client_secret_post", "none"] as const)("a client by %s", async (auth) => {
  here = await place({ auth });
  expect(await comesBack()).toEqual([302, "/approvals"]);
});

test.each(["client_secret_basic", "client_secret_post"] as const)("a wrong secret by %s", async (auth) => {
  here = await place({ secret: "wrong", auth });
  expect(await comesBack()).toEqual([503, "client_refused"]);
  expect(here.troubles).toHaveLength(1);
  expect(here.troubles.join()).not.toContain("wrong");
});

test("tokens for another audience count for nothing here", async () => {
  here = await place({ audience: "another-client" });
  expect(await comesBack()).toEqual([401, "token_wrong_audience"]);
});

test("a mail address that the provider has not verified names nobody", async () => {
  here = await place({ verified: false });
  expect(await comesBack()).toEqual([401, "token_condition"]);
});

test("a condition of the entry holds here too", async () => {
  here = await place({ entry: { when: 'claims.email == "alice@example.com"' } });
  expect(await comesBack()).toEqual([401, "token_condition"]);
});

test("keys of somebody else, and signatures that are not accepted", async () => {
  here = await place({ entry: { algorithms: ["ES256"] } });
  expect(await comesBack()).toEqual([401, "token_invalid"]);
});

test("an alias counts where the entry says so, and as long as it is one", async () => {
  here = await place({ entry: { aliases: true } });
  const { person, answer } = await here.signIn("bob");
  // An alias is no mail address, and the provider says that it is verified all the same.
  expect(answer.status).toBe(302);
  const seen = await person.get(`${here.base}/approvals/session`);
  expect(await seen.json()).toMatchObject({ person: { id: bob } });
});

test("somebody's id in Slack is no alias at the provider", async () => {
  here = await place({ entry: { aliases: true } });
  const people = "people: [{id: bob@example.com, aliases: [bob, U012AB3CD], access: [approver]}]";
  here.made.here.registry = loadRegistry({ people: { file: "people.yaml", text: people } });
  expect((await here.signIn("bob")).answer.status).toBe(302);
  const { answer } = await here.signIn("u012ab3cd");
  expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([401, "person_unknown"]);
});

describe("a provider that does not answer", () => {
  const start = () => browser().get(`${here.base}/approvals/oidc/start`);

  test("is said to be away, and asked again", async () => {
    here = await place();
    here.openId.is = "broken";
    const answer = await start();
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ reason: "provider_unavailable" });
    const page = await browser().get(`${here.base}/approvals/oidc/start`, { accept: "text/html" });
    expect([page.status, page.headers.get("content-type")]).toEqual([503, "text/html; charset=utf-8"]);
    expect(await page.text()).toContain("the identity provider cannot be reached at the moment: try again");
    here.openId.is = "well";
    expect((await start()).status).toBe(302);
    expect(here.troubles).toHaveLength(2);
  });

  test("is not waited for without end, and not asked by everybody", async () => {
    here = await place({ timeoutMs: 300, coolDownMs: 60_000 });
    here.openId.is = "silent";
    const answers = await Promise.all([start(), start(), start()]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect((await start()).status).toBe(503);
    expect(here.openId.asked).toHaveLength(1);
  });

  test("after somebody has signed in there", async () => {
    here = await place({ timeoutMs: 3_000 });
    const person = browser();
    const url = await here.cameBack(person, bob);
    here.openId.is = "silent";
    const answer = await person.get(url);
    expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([
      503,
      "provider_unavailable",
    ]);
    expect([...person.cookies.keys()]).toEqual([]);
  });
});

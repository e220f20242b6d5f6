import { refusalOf } from "../../src/reasons.js";
import { Refusal } from "../../src/refusal.js";
import { tokenOf } from "./fixture.js";
import {
  claim,
  exchange,
  good,
  goodToken,
  hostile,
  key,
  ofOther,
  otherIssuer,
  people,
  rsa,
  use,
} from "./hostile_rows.js";

test("the token that every row spoils is good, for each use with its audience", async () => {
  const identity = await use.agents(goodToken());
  expect(identity.agent).toEqual({
    id: "deploy-manager",
    model: "some-model-1",
    scopes: ["deploy-api:deploy"],
    roles: ["ci"],
  });
  expect((await use.agents(tokenOf(rsa, good))).agent.id).toBe("deploy-manager");
  expect((await use.exchange(claim("aud", exchange))).map(({ agent }) => agent)).toEqual(["deploy-manager"]);
  expect((await use.people(claim("aud", people))).name).toBe("alice@example.com");
  const large = { ...good, aud: exchange, note: "x".repeat(10_000) };
  expect(await use.exchange(tokenOf(key, large))).toHaveLength(1);
  const others = tokenOf(ofOther, { ...good, iss: otherIssuer, aud: "countersign-others" });
  expect((await use.agents(others)).agent.id).toBe("plain");
});

test.each(hostile)("%s", async (_name, token, reason, by = "agents") => {
  const error: unknown = await use[by](await token()).then(
    () => new Error("was accepted"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Refusal)) throw error;
  expect(error.reason).toBe(reason);
  expect(refusalOf(error.reason)).toEqual({ error: "Unauthenticated", status: 401 });
  expect(error.detail).not.toMatch(/jose|JWS|JWK|kid|signature|undefined|zod|acme/i);
});

test("an id that a revoked token of ours has ends no token of another issuer", async () => {
  expect((await use.agents(claim("jti", "revoked"))).token?.jti).toBe("revoked");
});

test("the session of another issuer or agent cannot be named: an id is made from who says it", async () => {
  const mine = await use.agents(goodToken());
  const stolen = await use.agents(tokenOf(key, { ...good, run_id: String(mine.session.id) }));
  expect(stolen.session.id).not.toBe(mine.session.id);
  const open = await use.agents(tokenOf(key, { ...good, run_id: "open:plain" }));
  expect(open.session.id).toMatch(/^ses_/);
});

test("there are enough of them", () => expect(hostile.length).toBeGreaterThan(100));

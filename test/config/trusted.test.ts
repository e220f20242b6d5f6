import { trusted, trustedWarnings } from "../../src/config/trusted.js";

const entry = { issuer: "https://ci.example", jwks: "k.json", algorithms: ["RS256"] };
const exchange = { ...entry, for: "exchange", audience: "a", agent: "bot" };
const agents = { ...entry, for: "agents", audience: "b", agent: "bot" };
const people = { ...entry, for: "people", audience: "c" };
const bound = { claims: { session_id: "run_id" } };

const places = (...entries: object[]) =>
  trusted.safeParse(entries).error?.issues.map(({ path }) => path.join(".")) ?? [];

test("a session has one way in: by exchange or by the issuer's own tokens", () => {
  expect(places({ ...exchange, ...bound }, { ...agents, ...bound })).toEqual(["1.claims.session_id"]);
  expect(places({ ...agents, ...bound }, { ...exchange, ...bound })).toEqual(["0.claims.session_id"]);
  expect(places({ ...exchange, ...bound }, { ...agents, claims: { session_id: ["job", "id"] } })).toHaveLength(1);
});

test.each([
  ["one of them binds no session", { ...exchange, ...bound }, agents],
  ["the other binds none", exchange, { ...agents, ...bound }],
  ["they are of two agents", { ...exchange, ...bound }, { ...agents, ...bound, agent: "other" }],
  ["they are of two issuers", { ...exchange, ...bound }, { ...agents, ...bound, issuer: "https://b.example" }],
  ["both are exchanged", { ...exchange, ...bound }, { ...exchange, ...bound }],
  ["one is for people", { ...exchange, ...bound }, people],
])("two entries are good where %s", (_name, one, other) => {
  expect(places(one, other)).toEqual([]);
});

test("an entry that everybody of its issuer satisfies is told", () => {
  const entries = trusted.parse([{ ...exchange, when: "claims.ref == 'main'" }, agents, people]);
  expect(trustedWarnings(entries)).toEqual([
    "identity.trusted[1] has no `when`: whoever gets a token of https://ci.example for the audience b is the agent bot; on a CI system that others use too, that is everybody",
  ]);
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import { loadRegistry } from "../../src/registry/load.js";
import { agentEntry, clock, entries, job, jwks, keyOf, tokenOf } from "../issuers/fixture.js";
import { type Api, api } from "./fixture.js";

const key = keyOf("idp");
const registry = loadRegistry({
  people: {
    file: "people.yaml",
    text: "people: [{id: alice@example.com, aliases: [alice, U012AB3CD], access: [admin]}]",
  },
});

let folder: string;
let made: Api;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-people-"));
  const place = join(folder, "jwks.json");
  await writeFile(place, JSON.stringify(jwks(key)));
  const people = { for: "people", agent: undefined };
  const written = [
    agentEntry(place, { ...people, audience: "by-mail" }),
    agentEntry(place, { ...people, audience: "by-id", person: "login" }),
    agentEntry(place, { ...people, audience: "by-alias", person: "login", aliases: true }),
  ];
  const trusted = trustedIssuers(entries(...written), { runtime: clock().runtime });
  made = await api({ registry: () => registry, credentials: { trusted } });
});
afterAll(async () => {
  await made.app.close();
  await rm(folder, { recursive: true });
});

async function answerTo(claims: object): Promise<[number, string | undefined]> {
  // The API's clock is that of its fixture.
  const iat = Math.floor(made.here.nowMs / 1000) - 5;
  const token = tokenOf(key, { ...job, iat, exp: iat + 600, ...claims });
  const answer = await made.send({ url: "/v1/agents", headers: { authorization: `Bearer ${token}` } });
  return [answer.statusCode, answer.json().reason];
}

const signedIn = [200, undefined];
const nobody = [401, "person_unknown"];

test.each([
  ["alice@example.com", signedIn, signedIn],
  ["ALICE@example.com", signedIn, signedIn],
  ["alice", nobody, signedIn],
  ["ALICE", nobody, signedIn],
  ["U012AB3CD", nobody, nobody],
  ["u012ab3cd", nobody, nobody],
  ["ａｌｉｃｅ", nobody, nobody],
  ["Ⓐlice", nobody, nobody],
  ["ⓐⓛⓘⓒⓔ", nobody, nobody],
  [" alice ", nobody, nobody],
  ["alice\u00a0", nobody, nobody],
  ["ａlice@example.com", nobody, nobody],
  ["mallory", nobody, nobody],
])("%p by id: %p, by alias: %p", async (login, byId, byAlias) => {
  expect(await answerTo({ aud: "by-id", login })).toEqual(byId);
  expect(await answerTo({ aud: "by-alias", login })).toEqual(byAlias);
});

test.each([
  ["alice@example.com", true, signedIn],
  ["alice@EXAMPLE.com", true, signedIn],
  ["ａlice@example.com", true, nobody],
  ["alice@example.com", false, [401, "token_condition"]],
  ["alice@example.com", undefined, [401, "token_condition"]],
])("%p, verified %p: %p", async (email, email_verified, wanted) => {
  expect(await answerTo({ aud: "by-mail", email, email_verified })).toEqual(wanted);
});

import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyRequest } from "fastify";
import { loadConfig } from "../../src/config/load.js";
import { detailAccess, routeAccess } from "../../src/http/access.js";
import { authenticator } from "../../src/http/authenticate.js";
import type { IdentifyContext } from "../../src/identify/credential.js";
import { identify } from "../../src/identify/index.js";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import { reasonTable } from "../../src/reasons.js";
import { loadRegistry } from "../../src/registry/load.js";
import { repository } from "../harness/programs.js";
import { jwks, keyOf, tokenOf } from "../issuers/fixture.js";
import { issuers, now, seconds } from "./fixture.js";

const page = readFileSync(join(repository, "docs/identity.md"), "utf8");

/** The file of that name as the page shows it. */
function shown(file: string): string {
  const blocks = [...page.matchAll(/^```yaml\n# (\S+)\n(.*?)^```/gms)].filter(([, name]) => name === file);
  expect(blocks).toHaveLength(1);
  return blocks[0]?.[2] ?? "";
}

const [rs256, es256] = [keyOf("rsa-1", "RS256"), keyOf("ec-1", "ES256")];
let folder: string;
let context: IdentifyContext;
let who: (token: string) => ReturnType<ReturnType<typeof authenticator>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-identity-"));
  await mkdir(join(folder, "keys"));
  await writeFile(join(folder, "countersign.yaml"), shown("countersign.yaml"));
  await writeFile(join(folder, "keys/cluster.json"), JSON.stringify(jwks(rs256, es256)));
  const { identity } = loadConfig(join(folder, "countersign.yaml"), {});
  // The issuers of the page are elsewhere; their keys are ours here.
  const entries = identity.trusted.map((entry) => ({ ...entry, jwks: join(folder, "keys/cluster.json") }));
  const registry = loadRegistry({
    agents: { file: "agents.yaml", text: shown("agents.yaml") },
    people: { file: "people.yaml", text: shown("people.yaml") },
  });
  const trusted = trustedIssuers(entries, { runtime: { monotonicMicros: () => 0 } });
  context = { ...(await issuers()).context, registry, trusted };
  const authenticate = authenticator({
    registry: () => registry,
    identifyAgent: (headers) => identify({ headers }, context),
    credentials: context,
    runtime: { now: () => now },
    page: { visitor: async () => null, isOwn: () => false },
  });
  who = (token) =>
    authenticate({ raw: { rawHeaders: ["authorization", `Bearer ${token}`] } } as unknown as FastifyRequest);
});
afterAll(async () => {
  context.trusted.close();
  await rm(folder, { recursive: true });
});

const times = { iat: seconds - 60, exp: seconds + 840 };
const job = {
  ...times,
  iss: "https://token.actions.githubusercontent.com",
  aud: "countersign-exchange",
  sub: "repo:acme/shop:ref:refs/heads/main",
  repository: "acme/shop",
  ref: "refs/heads/main",
  run_id: "98765",
  actor: "alice",
  environment: "staging",
  runner_environment: "github-hosted",
};
const pod = {
  ...times,
  iss: "https://cluster.example",
  aud: ["countersign-agents"],
  sub: "system:serviceaccount:jobs:nightly",
  "kubernetes.io": { namespace: "jobs", pod: { name: "nightly-7", uid: "0b1c" } },
};
const logIn = {
  ...times,
  iss: "https://login.example",
  aud: "countersign-people",
  sub: "u-1",
  email: "alice@example.com",
  email_verified: true,
  groups: ["engineering"],
};

const reason = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: { reason?: string }) => error.reason ?? String(error),
  );

describe("with the configuration of the page", () => {
  test("a CI job's token stands for the agent, in the session of its run and for its task", async () => {
    const [grant, ...others] = await context.trusted.exchange(tokenOf(rs256, job), now);
    expect(others).toEqual([]);
    expect(grant).toMatchObject({
      agent: "deploy-manager",
      scopes: ["deploy-api:*"],
      session: {
        id: expect.stringMatching(/^ses_/),
        workflow_run_id: "98765",
        initiated_by: "alice",
        task: { service: ["shop"], environment: ["staging"] },
      },
      facts: { runner: "github-hosted" },
    });
  });

  test.each([
    ["another repository", { repository: "mallory/shop" }, "token_condition"],
    ["another branch", { ref: "refs/heads/x" }, "token_condition"],
    ["a claim that is not there", { run_id: undefined }, "token_condition"],
    ["another audience", { aud: "countersign-agents" }, "token_wrong_audience"],
    ["too long a life", { exp: seconds + 7200 }, "token_lifetime"],
  ])("a job's token with %s is not exchanged", async (_, changed, wanted) => {
    expect(await reason(context.trusted.exchange(tokenOf(rs256, { ...job, ...changed }), now))).toBe(wanted);
  });

  test("a workload's token is the credential itself", async () => {
    const ask = (claims: object) =>
      identify({ headers: [{ name: "authorization", value: `Bearer ${tokenOf(es256, claims)}` }] }, context);
    expect(await ask(pod)).toMatchObject({
      agent: { id: "nightly", scopes: ["reports:read"] },
      session: { id: expect.stringMatching(/^ses_/), workflow_run_id: "nightly-7" },
    });
    expect(await reason(ask({ ...pod, sub: "system:serviceaccount:jobs:nightly2" }))).toBe("token_condition");
    expect(await reason(ask({ ...pod, iss: "https://login.example" }))).toBe("token_wrong_issuer");
  });

  test("a log-in is the person of people.yaml whom it names", async () => {
    expect(await who(tokenOf(rs256, logIn))).toMatchObject({
      person: { id: "alice@example.com", access: ["approver"] },
    });
    const refused = (changed: object) => reason(who(tokenOf(rs256, { ...logIn, ...changed })));
    expect(await refused({ groups: ["sales"] })).toBe("token_condition");
    expect(await refused({ email_verified: false })).toBe("token_condition");
    expect(await refused({ email_verified: undefined })).toBe("token_condition");
    expect(await refused({ email: "mallory@example.com" })).toBe("person_unknown");
    // An alias, which the entry does not take.
    expect(await refused({ email: "alice" })).toBe("person_unknown");
  });
});

/** The rows of the table below a heading. */
function rowsBelow(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(1).map((line) => line.slice(2, -2).split(" | "));
}

test("the page has every route with its access", () => {
  const table = rowsBelow("Access to the HTTP API").map(([route = "", access = ""]) => [
    route.slice(1, -1).replaceAll(/\{(\w+)\}/g, ":$1"),
    access.startsWith("everybody") ? "everybody" : [...access.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  ]);
  const routes = Object.entries(routeAccess).map(([route, access]) => [
    route,
    typeof access === "string" ? "everybody" : [...access],
  ]);
  expect(table).toEqual(routes);
  const details = rowsBelow("Access to the HTTP API").find(([route]) => route === "`GET /readyz`")?.[1] ?? "";
  expect([...details.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual([...detailAccess]);
});

test("the page has every reason for which somebody is nobody", () => {
  const table = rowsBelow("Reasons").flatMap(([status, reasons = ""]) =>
    [...reasons.matchAll(/`(\w+)`/g)].map(([, name]) => `${status} ${name}`),
  );
  const reasons = reasonTable()
    .filter(({ error, reason: name }) => error === "Unauthenticated" || /^(issuer|store)_unavailable$/.test(name))
    .map(({ status, reason: name }) => `${status} ${name}`);
  expect(table.sort()).toEqual(reasons.sort());
});

test("every link of the page leads to a heading or a page", () => {
  const anchors = (text: string) =>
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    );
  for (const [, target = ""] of page.matchAll(/\]\(([^):]+)\)/g)) {
    const [file = "", anchor] = target.split("#");
    const text = file === "" ? page : readFileSync(join(repository, "docs", file), "utf8");
    if (anchor !== undefined) expect([target, anchors(text)]).toEqual([target, expect.arrayContaining([anchor])]);
  }
});

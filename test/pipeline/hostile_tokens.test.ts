import type { IdentifyContext } from "../../src/identify/credential.js";
import { stages } from "../../src/pipeline.js";
import { now, registry } from "../identify/fixture.js";
import * as local from "../identify/hostile_rows.js";
import * as issuers from "../issuers/hostile_rows.js";
import { deploy, files } from "./calls.js";
import { startWorld, type World } from "./world.js";

type Row = [name: string, token: () => string | Promise<string>, reason: string];

const ofIssuers = issuers.hostile.flatMap(([name, token, reason, by]): Row[] =>
  by === undefined ? [[name, token, reason]] : [],
);

/** Where a token is from, what checks it, a good one, and ways to spoil it. */
const origins: [string, IdentifyContext, () => string, Row[]][] = [
  ["our own", local.fixture.context, local.good, local.hostile],
  ["another issuer's", issuers.context, issuers.goodToken, ofIssuers],
];

describe.each(origins)("a token that is %s", (_origin, credentials, good, hostile) => {
  let world: World;
  const reached: string[] = [];
  beforeAll(async () => {
    const told =
      <A extends unknown[], R>(name: string, stage: (...args: A) => R) =>
      (...args: A): R => {
        reached.push(name);
        return stage(...args);
      };
    world = await startWorld(files, {
      time: new Date(now).toISOString(),
      stages: { decode: told("decode", stages.decode), evaluate: told("evaluate", stages.evaluate) },
      wrap: ({ workspace, store }) => ({
        credentials,
        workspace: () => ({ ...workspace(), registry }),
        store: { ...store, settle: told("settle", store.settle), look: told("look", store.look) },
      }),
    });
  });
  beforeEach(() => {
    reached.length = 0;
  });
  afterAll(() => world.close());

  const bearing = (token: string) =>
    deploy("nobody", {
      headers: [
        ["authorization", `Bearer ${token}`],
        ["content-type", "application/json"],
        ["content-length", String(deploy("nobody").body.length)],
      ],
    });

  test("the good token gets as far as a policy", async () => {
    expect((await world.ask(bearing(good()))).metadata.reason).toBe("no_policy");
    expect(reached).toEqual(["decode", "evaluate", "settle"]);
  });

  test.each(hostile)("%s: 401, recorded, and no policy is asked", async (_name, token, reason) => {
    const before = (await world.records()).length;
    const spoilt = await token();
    const told = await world.ask(bearing(spoilt));
    expect([told.status, told.metadata.reason, told.metadata.enforced]).toEqual([401, reason, "deny"]);
    expect(told.headers["www-authenticate"]).toContain(`error="invalid_token", error_description="${reason}"`);
    expect(reached).toEqual([]);
    const [record, ...others] = (await world.records()).slice(before);
    expect(others).toEqual([]);
    expect(record).toMatchObject({ reason, enforced: "deny", opa_decision: null, session_id: null });
    // Whose token it was is known only where it holds, and its owner or issuer has ended it.
    const known = reason === "token_revoked" || reason === "agent_disabled";
    expect([record?.agent_id !== null, record?.token !== null]).toEqual([known, known]);
    expect(JSON.stringify(record)).not.toContain(spoilt.split(".")[2] || "no signature");
  });

  test("there are enough of them", () => expect(hostile.length).toBeGreaterThan(60));
});

import { stages } from "../../src/pipeline.js";
import { now, registry } from "../identify/fixture.js";
import { fixture, good, hostile } from "../identify/hostile_rows.js";
import { deploy, files } from "./calls.js";
import { startWorld, type World } from "./world.js";

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
      credentials: fixture.context,
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
  const told = await world.ask(bearing(token()));
  expect([told.status, told.metadata.reason, told.metadata.enforced]).toEqual([401, reason, "deny"]);
  expect(told.headers["www-authenticate"]).toContain(`error="invalid_token", error_description="${reason}"`);
  expect(reached).toEqual([]);
  const [record, ...others] = (await world.records()).slice(before);
  expect(others).toEqual([]);
  expect(record).toMatchObject({ reason, enforced: "deny", agent_id: null, opa_decision: null, token: null });
  expect(JSON.stringify(record)).not.toContain(token().split(".")[2] || "no signature");
});

test("there are enough of them", () => expect(hostile.length).toBeGreaterThan(60));

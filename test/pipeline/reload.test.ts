import { type Stages, stages } from "../../src/pipeline.js";
import { deploy, files } from "./calls.js";
import { type Files, startWorld, type World, workspaceOf } from "./world.js";

let world: World;
afterEach(() => world.close());

/** The same agents, and policies and a catalogue under which `deploy` is something else. */
const others: Files = {
  ...files,
  tools: [{ name: "renamed", match: { hosts: ["deploy.internal"], path: "/v1/{action}" }, action: "{path.action}" }],
  policies: { "all.yaml": { agent: "*", deny_actions: ["*"] } },
};

/** Loads the other files in the middle of every decision, when this stage is about to run. */
async function worldReloading(at: keyof Stages): Promise<World> {
  const stage = stages[at] as (...args: unknown[]) => unknown;
  const next = await workspaceOf(others);
  return startWorld(files, {
    stages: {
      [at]: (...args: unknown[]) => {
        world.files = next;
        return stage(...args);
      },
    },
  });
}

/** The other two are not among the stages of a call that goes through. */
const passed = (Object.keys(stages) as (keyof Stages)[]).filter((name) => name !== "describe" && name !== "note");

test.each(passed)("a reload before %s does not mix versions", async (at) => {
  world = await worldReloading(at);
  const before = world.workspace.policies.version;
  const told = await world.ask(deploy("bot"));
  expect(told.status).toBe(200);
  expect(told.metadata).toMatchObject({ tool: "deploy-api", policy_version: before });
  expect(told.ok?.headers.map(({ header }) => header.value)).toContain(before);
  expect(await world.records()).toMatchObject([{ tool: "deploy-api", opa_decision: { policy_version: before } }]);
  expect(world.log.at(-1)).toMatchObject({ policy_version: before });

  const after = world.workspace.policies.version;
  expect(after).not.toBe(before);
  const next = await world.ask(deploy("bot"));
  expect(next.status).toBe(403);
  expect(next.metadata).toMatchObject({ tool: "renamed", policy_version: after });
});

test.each([
  ["without a credential", deploy("bot", { headers: [] })],
  ["of an unknown tool", deploy("bot", { host: "unknown.internal" })],
  ["that cannot be read", deploy("bot", { body: Buffer.from("{") })],
])("a call %s is answered with the version it began with", async (_, call) => {
  world = await worldReloading("identify");
  const before = world.workspace.policies.version;
  const told = await world.ask(call);
  expect(told.metadata.policy_version).toBe(before);
  expect(JSON.parse(told.body).policy_version).toBe(before);
  expect(world.log.at(-1)).toMatchObject({ policy_version: before });
});

test("while policies change all the time, each decision is by the version it names", async () => {
  world = await startWorld(files);
  const versions = new Map<unknown, number>([[world.workspace.policies.version, 200]]);
  const answers: Promise<[unknown, number]>[] = [];
  for (let i = 0; i < 60; i++) {
    answers.push(world.ask(deploy("bot")).then(({ metadata, status }) => [metadata.policy_version, status]));
    if (i % 5 === 0) {
      await world.use(i % 2 ? others : files);
      versions.set(world.workspace.policies.version, i % 2 ? 403 : 200);
    }
    if (i % 7 === 0) await answers[i];
  }
  const told = await Promise.all(answers);
  expect(new Set(told.map(([version]) => version))).toEqual(new Set(versions.keys()));
  for (const [version, status] of told) expect(status).toBe(versions.get(version));
});

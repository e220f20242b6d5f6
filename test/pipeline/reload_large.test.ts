import { deploy, files } from "./calls.js";
import { type Files, startWorld, type World } from "./world.js";

let world: World;
afterEach(() => world.close());

/** Two hundred agents with twenty actions each; every file differs from one set to the next. */
function large(replicas: number): Files {
  const policies = Array.from({ length: 200 }, (_, i) => {
    const actions = Array.from({ length: 20 }, (_, action) => ({
      name: `action-${action}`,
      allowed_environments: ["staging"],
      approval_needed: `env == "production" && params.replicas > ${action}`,
      max_replicas: replicas + i + action,
    }));
    return [`${i}.yaml`, { agent: `agent-${i}`, actions }] as const;
  });
  const own = { agent: "bot", actions: [{ name: "deploy", max_replicas: replicas }] };
  return { ...files, policies: { ...Object.fromEntries(policies), "bot.yaml": own } };
}

test("while many policies load again and again, decisions go on, each by one version, and none fails", async () => {
  world = await startWorld(large(50));
  const versions = new Map<unknown, number>([[world.workspace.policies.version, 200]]);
  let loading = true;
  const told: { version: unknown; status: number }[] = [];
  const calls = (async () => {
    while (loading) {
      const { metadata, status } = await world.ask(deploy("bot"));
      told.push({ version: metadata.policy_version, status });
    }
  })();
  const during: number[] = [];
  for (let i = 1; i <= 6; i++) {
    const before = told.length;
    // An odd set refuses the three replicas that every call asks for.
    await world.use(large(i % 2 ? 2 : 50 + i));
    during.push(told.length - before);
    versions.set(world.workspace.policies.version, i % 2 ? 403 : 200);
    const called = told.length;
    while (told.length < called + 2) await new Promise((resolve) => setImmediate(resolve));
  }
  loading = false;
  await calls;
  expect(versions.size).toBe(6 / 2 + 2);
  expect(Math.min(...during)).toBeGreaterThan(5);
  expect(new Set(told.map(({ version }) => version))).toEqual(new Set(versions.keys()));
  for (const { version, status } of told) expect(status).toBe(versions.get(version));
});

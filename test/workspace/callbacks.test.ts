import { until } from "../harness/until.js";
import { agentsOf, policyOf, toolsOf, watch } from "./fixture.js";

/** Rejections that nobody handled would end the server. */
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => void process.on("unhandledRejection", note));
afterAll(() => void process.off("unhandledRejection", note));
afterEach(() => expect(unhandled).toEqual([]));

test("without anybody looking, changes take effect by themselves", async () => {
  const here = await watch({ intervalMs: 5 });
  await here.write("policies/a.yaml", policyOf("b"));
  await until(() => here.inForce().policies.includes("b"), { what: "the policy" });
  await here.stop();
});

test("what cannot be loaded at the start is told by throwing, and nothing is watched", async () => {
  const files = { "policies/a.yaml": "agent: a\n", "tools.yaml": toolsOf("t"), "agents.yaml": agentsOf("a") };
  await expect(watch({}, files)).rejects.toThrow(/^a\.yaml:1:1: /);
  await expect(watch({ onLoaded: () => Promise.reject(new Error("no record")) })).rejects.toThrow("no record");
});

test("a load that cannot be recorded does not happen, is tried again, and is told once", async () => {
  let works = true;
  const here = await watch({
    onLoaded: async (part) => {
      if (!works) throw new Error(`${part} cannot be recorded`);
    },
  });
  const before = here.watched.current();
  works = false;
  await here.write("policies/a.yaml", policyOf("b"));
  for (let i = 0; i < 3; i++) await here.watched.refresh();
  expect(here.watched.current()).toBe(before);
  expect(here.watched.trouble()).toEqual({ policies: "policies cannot be recorded" });
  expect(here.told).toEqual(["policies! policies cannot be recorded"]);

  works = true;
  await here.watched.refresh();
  expect(here.inForce().policies).toEqual(["b"]);
  expect(here.watched.trouble()).toEqual({});
  await here.stop();
});

test("a failure to tell is no end: looking goes on, and it is told again", async () => {
  let calls = 0;
  const here = await watch({
    intervalMs: 5,
    onRefused: async (part) => {
      // A file can be looked at in the middle of its being written.
      if (part !== "policies") return;
      calls += 1;
      if (calls < 4) throw new Error("nobody listens");
    },
  });
  await here.write("policies/a.yaml", "{{{");
  await until(() => calls === 4, { what: "the fourth telling" });
  expect(Object.keys(here.watched.trouble())).toEqual(["policies"]);
  await here.write("tools.yaml", toolsOf("u"));
  await until(() => here.inForce().tools.includes("u"), { what: "the tools" });
  expect(calls).toBe(4);
  await here.write("policies/a.yaml", policyOf("b"));
  await until(() => here.inForce().policies.includes("b"), { what: "the policy" });
  await here.stop();
});

test("a look while another is under way waits for it, and ends with the newest files", async () => {
  let running = 0;
  let most = 0;
  const here = await watch({
    onLoaded: async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    },
  });
  await here.write("policies/a.yaml", policyOf("b"));
  const one = here.watched.refresh();
  await here.write("policies/a.yaml", policyOf("c"));
  await Promise.all([one, here.watched.refresh(), here.watched.refresh()]);
  expect(here.inForce().policies).toEqual(["c"]);
  expect(most).toBe(1);
  await here.stop();
});

test("closing waits for the look under way, and nothing is looked at afterwards", async () => {
  let release = () => {};
  let loads = 0;
  const here = await watch({
    intervalMs: 5,
    onLoaded: async () => {
      loads += 1;
      if (loads > 4) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
    },
  });
  await here.write("tools.yaml", toolsOf("u"));
  await until(() => loads === 5, { what: "the load" });
  let closed = false;
  const closing = here.watched.close().then(() => {
    closed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  release();
  await closing;
  expect(here.inForce().tools).toEqual(["u"]);
  await here.write("tools.yaml", toolsOf("v"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(here.inForce().tools).toEqual(["u"]);
  await here.stop();
});

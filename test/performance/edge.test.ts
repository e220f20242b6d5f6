import { createHook } from "node:async_hooks";
import { jest } from "@jest/globals";
import { strictly } from "../../src/json/strict.js";
import { deploy, files } from "../pipeline/calls.js";
import { startWorld, type World } from "../pipeline/world.js";

let world: World;
beforeAll(async () => {
  world = await startWorld(files);
  for (let n = 0; n < 3; n++) await allowed();
});
afterAll(() => world.close());

async function allowed(): Promise<void> {
  expect((await world.ask(deploy("bot"))).metadata.reason).toBe("allowed");
}

test("a call that is let through makes no refusal", async () => {
  const { stackTraceLimit } = Error;
  let made = 0;
  // A refusal reads it when it is made.
  Object.defineProperty(Error, "stackTraceLimit", {
    configurable: true,
    get: () => {
      made += 1;
      return stackTraceLimit;
    },
    set: () => {},
  });
  try {
    await allowed();
  } finally {
    Object.defineProperty(Error, "stackTraceLimit", { configurable: true, writable: true, value: stackTraceLimit });
  }
  expect(made).toBe(0);
});

test("what the policies say for the agent is looked up once before the policies are asked, and once by them", async () => {
  const documentOf = jest.spyOn(world.workspace.policies, "documentOf");
  await allowed();
  expect(documentOf.mock.calls.length).toBeGreaterThan(0);
  expect(documentOf.mock.calls.length).toBeLessThanOrEqual(2);
  documentOf.mockRestore();
});

test("a plain body needs no closer look", async () => {
  const look = jest.spyOn(strictly, "refuseAmbiguity");
  await allowed();
  expect(look).not.toHaveBeenCalled();
  const body = Buffer.from('{"environment": "staging", "replicas": 3e0}');
  await world.ask(deploy("bot", { body }));
  expect(look).toHaveBeenCalledTimes(1);
});

test("promises of a decision are counted", async () => {
  const counts: number[] = [];
  for (let n = 0; n < 5; n++) {
    let promises = 0;
    const hook = createHook({
      init: (_, type) => {
        if (type === "PROMISE") promises += 1;
      },
    }).enable();
    await allowed();
    hook.disable();
    counts.push(promises);
  }
  // What a timer does meanwhile is counted too, and a slow machine comes to more of them.
  const fewest = Math.min(...counts);
  expect(fewest).toBeGreaterThan(5);
  expect(fewest).toBeLessThanOrEqual(83);
});

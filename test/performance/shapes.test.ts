import { setFlagsFromString } from "node:v8";
import { type Stages, stages } from "../../src/pipeline.js";
import { deploy, files } from "../pipeline/calls.js";
import { startWorld, type World } from "../pipeline/world.js";

// Hidden classes can be compared in no other way.
setFlagsFromString("--allow-natives-syntax");
const haveSameMap = new Function("a", "b", "return %HaveSameMap(a, b)") as (a: object, b: object) => boolean;

let world: World;
afterEach(() => world.close());

/** Places of plain objects in two values of which the hidden class differs: each call would make a new one. */
function differing(a: unknown, b: unknown, at: string, seen = new Set<unknown>()): string[] {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return [];
  if (a === b || seen.has(a)) return [];
  seen.add(a);
  const plain = Object.getPrototypeOf(a) === Object.prototype;
  if (!plain && !Array.isArray(a)) return [];
  const found = plain && !haveSameMap(a, b) ? [at] : [];
  for (const [name, value] of Object.entries(a)) {
    found.push(...differing(value, (b as Record<string, unknown>)[name], `${at}.${name}`, seen));
  }
  return found;
}

/** The stages, with what each was given and gave in the last of `calls`. */
function watched(calls: Record<string, unknown>[]): Stages {
  const rows = Object.entries(stages).map(([name, run]) => {
    const watch = (...given: unknown[]): unknown => {
      const result = (run as (...given: unknown[]) => unknown)(...given);
      const call = calls.at(-1) as Record<string, unknown>;
      call[`${name} is given`] = given[0];
      call[`${name} gives`] = result;
      if (result instanceof Promise) {
        void result.then((value) => {
          call[`${name} gives`] = value;
        });
      }
      return result;
    };
    return [name, watch];
  });
  return Object.fromEntries(rows) as Stages;
}

test.each(["bot", "limited", "session-aware"])(
  "calls of %s give each stage objects of the same hidden classes",
  async (agent) => {
    const calls: Record<string, unknown>[] = [];
    world = await startWorld(files, { stages: watched(calls) });
    for (let i = 0; i < 12; i++) {
      calls.push({});
      expect((await world.ask(deploy(agent))).ok).not.toBeNull();
    }
    // The first calls of a session are not like those that follow, and a class may change once while the engine learns.
    const last = calls.slice(-5);
    const differences = last.slice(1).map((call, i) => differing(last[i], call, "a call"));
    const always = (differences[0] ?? []).filter((place) => differences.every((each) => each.includes(place)));
    expect(always).toEqual([]);
  },
);

import { rename } from "node:fs/promises";
import type { PolicySet } from "../../src/policies/policy_set.js";
import type { PartSource } from "../../src/workspace/workspace.js";
import { until } from "../harness/until.js";
import { agentsOf, type Watched, watch } from "./fixture.js";

/** Policies that come from somewhere slow. */
class SlowSource implements PartSource<PolicySet> {
  word = "first";
  looks = 0;
  loads = 0;
  /** What each load waits for, and ends with. */
  load: () => Promise<PolicySet>;
  closed = false;

  constructor(first: PolicySet) {
    this.load = async () => first;
  }

  async look(): Promise<string> {
    this.looks += 1;
    return this.word;
  }

  close(): void {
    this.closed = true;
  }

  next(word: string, load: () => Promise<PolicySet>): void {
    this.word = word;
    this.load = () => {
      this.loads += 1;
      return load();
    };
  }
}

let here: Watched;
let source: SlowSource;
let other: PolicySet;
let release: (set: PolicySet) => void;
const waiting = () => new Promise<PolicySet>((resolve) => (release = resolve));

/** In one step: half a file could be seen. */
async function replaceAgents(...ids: string[]): Promise<void> {
  await here.write("agents.new", agentsOf(...ids));
  await rename(here.path("agents.new"), here.path("agents.yaml"));
}

async function start(intervalMs: number): Promise<void> {
  const usual = await watch();
  other = usual.watched.current().policies;
  await usual.stop();
  source = new SlowSource({ ...other, version: "sha256:first" });
  here = await watch({ sources: { policies: source } as never, intervalMs });
}
afterEach(() => here.stop());

test("a load that takes long holds up no other part, and is asked for once", async () => {
  await start(5);
  source.next("second", waiting);
  await until(() => source.loads === 1, { what: "the load" });
  const looks = source.looks;
  await replaceAgents("a", "b");
  await until(() => here.inForce().agents.length === 2, { what: "the agents" });
  await replaceAgents("a", "b", "c");
  await until(() => here.inForce().agents.length === 3, { what: "more agents" });
  expect([source.loads, source.looks]).toEqual([1, looks]);
  expect(here.watched.current().policies.version).toBe("sha256:first");

  release(other);
  await until(() => here.watched.current().policies === other, { what: "the policies" });
  expect(here.inForce().agents).toHaveLength(3);
  expect(here.told).toEqual(["agents", "agents", "policies"]);
});

test("what was refused is not made again at each look, until it looks different", async () => {
  await start(3_600_000);
  source.next("bad", () => Promise.reject(new Error("no good")));
  for (let i = 0; i < 5; i++) await here.watched.refresh();
  expect(source.loads).toBe(1);
  expect(here.watched.trouble()).toEqual({ policies: "no good" });
  expect(here.told).toEqual(["policies! no good"]);

  source.next("good", async () => other);
  await here.watched.refresh();
  expect(here.watched.current().policies).toBe(other);
  expect(here.watched.trouble()).toEqual({});
});

test("at the end the source gives up, and that is told to nobody", async () => {
  await start(3_600_000);
  let fail: (error: Error) => void = () => {};
  source.next("second", () => new Promise((_, reject) => (fail = reject)));
  const looking = here.watched.refresh();
  await until(() => source.loads === 1, { what: "the load" });
  const closing = here.watched.close();
  expect(source.closed).toBe(true);
  fail(new Error("given up"));
  await Promise.all([closing, looking]);
  expect(here.told).toEqual([]);
});

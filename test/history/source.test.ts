import { askRelease, askRollback } from "../../src/history/ask.js";
import { RevertibleSource } from "../../src/history/source.js";
import { keepVersion } from "../../src/history/versions.js";
import type { PolicySet } from "../../src/policies/policy_set.js";
import { openPolicies } from "../../src/workspace/policies.js";
import type { PartSource } from "../../src/workspace/workspace.js";
import { type Place, place, program } from "./fixture.js";

let here: Place;
let first: PolicySet;
let second: PolicySet;

/** A bundle's server, which can be away or hang. */
class Remote implements PartSource<PolicySet> {
  set: PolicySet | null = null;
  away = false;
  looks = 0;

  async look(): Promise<string> {
    this.looks += 1;
    if (this.away || !this.set) throw new Error("it cannot be fetched");
    return this.set.version;
  }

  async load(): Promise<PolicySet> {
    if (!this.set) throw new Error("nothing was fetched");
    return this.set;
  }
}

beforeEach(async () => {
  here = await place();
  const open = () => openPolicies(here.path("policies"), { program, mode: "enforce" });
  first = await open();
  await keepVersion(here.dir, first);
  await here.policy(2);
  second = await open();
});
afterEach(() => here.stop());

const asking = () => ({ at: new Date().toISOString(), by: "ada", reason: null });
const goBack = () =>
  askRollback(here.dir, first.version, { current: second.version, files: second.version }, asking(), program);
const sourceOf = (files: Remote) => new RevertibleSource({ dir: here.dir, files, program });
/** As the watcher does it. */
async function follow(source: RevertibleSource): Promise<string> {
  await source.look();
  const set = await source.load();
  source.tookEffect(set);
  return set.version;
}

test("going back does not wait for the place that policies come from", async () => {
  const files = new Remote();
  files.set = second;
  const source = sourceOf(files);
  expect(await follow(source)).toBe(second.version);
  const { looks } = files;
  files.away = true;
  await expect(source.look()).rejects.toThrow("it cannot be fetched");
  await goBack();
  expect(await follow(source)).toBe(first.version);
  expect(files.looks).toBe(looks + 1);
  await expect(source.look()).rejects.toThrow("it cannot be fetched");
  await askRelease(here.dir, null, asking());
  expect(await follow(source)).toBe(second.version);
});

test("a roll-back holds at a start while that place is away, which is told then", async () => {
  const files = new Remote();
  await expect(sourceOf(files).look()).rejects.toThrow("it cannot be fetched");
  await goBack();
  const source = sourceOf(files);
  expect(await follow(source)).toBe(first.version);
  await expect(source.look()).rejects.toThrow("it cannot be fetched");
  files.set = second;
  const held = await source.load();
  expect([held.version, source.originOf(held).event]).toEqual([first.version, "rolled_back"]);
  files.set = await openPolicies(here.path("policies"), { program, mode: "shadow" });
  await source.look();
  expect((await source.load()).version).toBe(files.set.version);
});

import { readdir } from "node:fs/promises";
import { readEvents } from "../../src/history/events.js";
import { policyHistory } from "../../src/history/history.js";
import { keptVersions } from "../../src/history/versions.js";
import { assemblePolicySet } from "../../src/policies/policy_set.js";
import { systemRuntime } from "../../src/runtime.js";
import { openPolicies } from "../../src/workspace/policies.js";
import { place, program } from "./fixture.js";

test("a version that is too large to be opened again is not kept, and the operator is told", async () => {
  const here = await place();
  try {
    const small = await openPolicies(here.path("policies"), { program, mode: "enforce" });
    const [document] = small.documents.values();
    if (!document) throw new Error("there is no policy");
    const long = { ...document, id: "x".repeat(1_000_000) };
    const many = Array.from({ length: 68 }, (_, n) => [`agent-${n}`, long] as const);
    const documents = new Map([...small.documents, ...many]);
    const large = assemblePolicySet({ ...small, documents }, program);
    const told: string[] = [];
    const history = policyHistory({
      ...{ dir: here.dir, keep: 5, program, runtime: systemRuntime },
      files: { look: async () => "a word", load: async () => large },
      onTrouble: (error) => void told.push(error.message),
    });
    history.tookEffect(await history.source.load(), null);
    await history.written();
    const why = `the policies of ${documents.size} agents are too large for a bundle: more than 67108864 bytes unpacked`;
    expect(told).toEqual([`${large.version} is not kept, so nobody can go back to it: ${why}`]);
    expect(history.trouble()).toBe(told[0]);
    expect(await keptVersions(here.dir)).toEqual([]);
    expect((await readdir(here.dir)).filter((name) => name.includes("tar.gz"))).toEqual([]);
    expect((await readEvents(here.dir)).map(({ version }) => version)).toEqual([large.version]);
  } finally {
    await here.stop();
  }
});

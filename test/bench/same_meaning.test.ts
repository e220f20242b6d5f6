import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startScript } from "../../bench/contenders/contender.js";
import { startPeer } from "../../bench/contenders/peer.js";
import { Cleanup } from "../../bench/harness/cleanup.js";
import { misunderstandings } from "../../bench/harness/same_meaning.js";
import { findToolOrTell } from "../../bench/harness/tools.js";
import { type Workload, writeWorkload } from "../../bench/harness/workload.js";

// No package manager brings it. Where it is missing nothing is measured against it either, and where it is there the bench
// itself refuses to measure what does not mean the same.
const peer = await findToolOrTell("opa");

const cleanup = new Cleanup();
let workload: Workload;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  workload = await writeWorkload(folder, { agents: 10 });
});
afterAll(() => cleanup.run());

test("our policies allow the allowed calls and deny all others", async () => {
  const { address } = await startScript("policy_only.ts", [workload.folder], cleanup);
  expect(await misunderstandings(address, workload)).toEqual([]);
});

test("who lets everything through is found out", async () => {
  const { address } = await startScript("floor.ts", [], cleanup);
  const wrong = await misunderstandings(address, workload);
  expect(wrong).toContain("allows a forbidden call: too many replicas");
  expect(wrong.length).toBeGreaterThan(10);
});

if (peer !== undefined) {
  test.each(["d", "d2"] as const)("opa-envoy-plugin means the same by its policy, as contender %s", async (key) => {
    const { address } = await startPeer(peer, workload, cleanup, key);
    expect(await misunderstandings(address, workload)).toEqual([]);
  });
}

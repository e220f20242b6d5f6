import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import { segmentFor } from "../../src/audit/segments.js";
import { deploymentEvidence } from "../../src/evidence/deployment.js";
import { ed25519, hmac, scratch, writerName } from "../audit/samples.js";
import { seal } from "../audit/sealed.js";
import { call, deploymentId, ending } from "./stories.js";

const dir = scratch();

/** Two records, between which the key was changed. */
async function changedKeys(): Promise<void> {
  const first = seal(call(), { seq: 1, prev: null, writer: writerName, key: hmac });
  const second = seal(ending(), { seq: 2, prev: linkTo(first), writer: writerName, key: ed25519 });
  await mkdir(join(dir.path(), writerName));
  await writeFile(join(dir.path(), writerName, segmentFor(1)), `${first}\n${second}\n`);
}

test("records on both sides of a change of the key are proven with both keys", async () => {
  await changedKeys();
  const evidence = await deploymentEvidence([dir.path()], deploymentId, { keys: [ed25519, hmac] });
  expect([evidence?.signatures, evidence?.answers[0]?.status]).toEqual(["hold", "yes"]);
});

test.each([
  ["the later", [ed25519]],
  ["the earlier", [hmac]],
])("with %s key alone nothing is proven", async (_which, keys) => {
  await changedKeys();
  const evidence = await deploymentEvidence([dir.path()], deploymentId, { keys });
  expect(evidence?.signatures).toBe("broken");
  expect(new Set(evidence?.answers.map(({ status }) => status))).toEqual(new Set(["unknown"]));
});

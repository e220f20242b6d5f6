import { unpack } from "../../src/bundle/archive.js";
import { publisher } from "../../src/bundle/published.js";
import { verifySignature } from "../../src/bundle/signature.js";
import { newKey, nowMs, set, setWith } from "./fixture.js";

test("each set is packed once, and the set in force is what is given", async () => {
  const other = await setWith(6);
  let policies = set;
  const key = await newKey();
  const bundle = publisher({ policies: () => policies, key, runtime: { now: () => nowMs } });
  const [first, again] = await Promise.all([bundle(), bundle()]);
  expect(again).toBe(first);
  expect(first.revision).toBe(set.version);
  expect(await verifySignature(await unpack(first.bytes), key, nowMs)).toEqual({ signedAtMs: nowMs });

  policies = other;
  const second = await bundle();
  expect(second.revision).toBe(other.version);
  expect(String((await unpack(second.bytes)).get("data.json"))).toContain('"limit":6');
});

test("without a key it is not signed", async () => {
  const { bytes } = await publisher({ policies: () => set, key: null, runtime: { now: () => nowMs } })();
  expect([...(await unpack(bytes)).keys()]).not.toContain(".signatures.json");
});

import { Patience } from "../../src/audit/segment_file.js";
import { verifyFiles } from "../../src/audit/verify.js";
import { openWriter } from "../../src/audit/writer.js";
import { FaultyDisk } from "./faulty_disk.js";
import { ed25519, optionsFor, policyDraft, scratch } from "./samples.js";

const dir = scratch();

test("after something slow nothing is tried for a second, whether it failed or not", () => {
  let nowMs = 0;
  const patience = new Patience(() => nowMs);
  const taking = (ms: number) => () => {
    nowMs += ms;
    return "done";
  };
  expect([patience.tried(taking(10)), patience.tried(taking(11)), patience.tried(taking(0))]).toEqual([
    "done",
    "done",
    null,
  ]);
  nowMs += 999;
  expect(patience.tried(taking(0))).toBeNull();
  nowMs += 1;
  const failing = () => {
    nowMs += 11;
    throw new Error("failed");
  };
  expect(() => patience.tried(failing)).toThrow("failed");
  expect(patience.tried(taking(0))).toBeNull();
});

test("where nothing may be written at once, records are written all the same", async () => {
  const disk = new FaultyDisk();
  const sink = await openWriter(optionsFor(dir.path(), { openSegment: disk.open }));
  await sink.append(policyDraft("a"));
  disk.slow = true;
  await Promise.all(["b", "c"].map((detail) => sink.append(policyDraft(detail))));
  disk.fail("append", "ENOSPC", { bytes: 60 });
  await expect(sink.append(policyDraft("d"))).rejects.toThrow("could not be written");
  disk.slow = false;
  await sink.append(policyDraft("e"));
  await sink.close();
  expect(await verifyFiles([dir.path()], [ed25519])).toMatchObject({ writers: [{ records: 4 }], problems: [] });
});

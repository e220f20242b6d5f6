import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { verifyFiles } from "../../src/audit/verify.js";
import { openWriter } from "../../src/audit/writer.js";
import { ed25519, folderIn, optionsFor, policyDraft, recordsOf, scratch } from "./samples.js";

const dir = scratch();
const script = fileURLToPath(new URL("./crashing_writer.ts", import.meta.url));

/** A process that appends without end and prints the number of each record that was acknowledged. */
function start(): { child: ChildProcess; acknowledged: () => number; until: (count: number) => Promise<void> } {
  const child = spawn(process.execPath, ["--import", "tsx", script, dir.path()], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  let last = 0;
  lines.on("line", (line) => {
    last = Number(line);
  });
  const until = async (count: number): Promise<void> => {
    while (last < count) await once(lines, "line", { signal: AbortSignal.timeout(30_000) });
  };
  return { child, acknowledged: () => last, until };
}

test("a killed process loses no acknowledged record, and the next one goes on", async () => {
  const writer = start();
  await writer.until(200);
  await expect(openWriter(optionsFor(dir.path()))).rejects.toThrow(`in use by process ${writer.child.pid}`);
  const exited = once(writer.child, "close");
  writer.child.kill("SIGKILL");
  await exited;

  const sink = await openWriter(optionsFor(dir.path(), { maxSegmentBytes: 20_000 }));
  await sink.append(policyDraft("after"));
  await sink.close();
  const { writers, problems } = await verifyFiles([dir.path()], [ed25519]);
  expect(problems).toEqual([]);
  expect(writers).toHaveLength(1);
  expect(writers[0]?.lastSeq).toBeGreaterThan(writer.acknowledged());
  const folder = await folderIn(dir.path());
  expect(Object.values(await recordsOf(folder)).at(-1)).toContain('"detail":"after"');
});

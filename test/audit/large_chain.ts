import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import { type ChainHead, headsSuffix, sealHeads } from "../../src/audit/heads.js";
import { segmentFor } from "../../src/audit/segments.js";
import { openWriter } from "../../src/audit/writer.js";
import type { SigningKey } from "../../src/keys/signing_key.js";
import { Chance } from "./random.js";
import { policyDraft } from "./samples.js";
import { seal } from "./sealed.js";
import { variedRecord } from "./varied_records.js";

/** Everything a directory holds, by path below it. */
export type Files = Map<string, Buffer>;

/** An audit directory as servers leave it, and what somebody who tampers with it has at hand besides. */
export interface LargeChain {
  dir: string;
  files: Files;
  writer: string;
  /** Name of the statement's file. */
  headsFile: string;
  key: SigningKey;
  /** Statement of the time when half of the records were there. */
  olderHeads: Buffer;
  /** Records of the same numbers, writer and key, as when an older copy of the directory was gone on with: by `seq`. */
  fork: Map<number, Buffer>;
  /** Another writer's records under the same key. */
  foreign: Buffer[];
  remove(): Promise<void>;
}

export const otherWriter = "w2-01J9ZQ3V6C5R8N2K4M7P0T1S6X";

/** Records written by the real writer, in about ten segments. */
export async function largeChain(records: number, key: SigningKey, seed: number): Promise<LargeChain> {
  const top = await mkdtemp(join(tmpdir(), "audit-large-"));
  const dir = join(top, "base");
  const chance = new Chance(seed);
  const sink = await openWriter({ dir, worker: 1, key, durability: "write", maxSegmentBytes: records * 105 });
  const together = Math.ceil(records / 40);
  for (let done = 0; done < records; done += together) {
    const batch = Array.from({ length: Math.min(together, records - done) }, (_, i) =>
      variedRecord(chance, done + i + 1),
    );
    await Promise.all(batch.map((draft) => sink.append(draft)));
  }
  await sink.close();
  const [writer = ""] = (await readdir(dir)).filter((name) => /^w1-[^.]+$/.test(name));
  // The segment to come holds nothing that could be tampered with.
  await rm(join(dir, writer, segmentFor(records + 1)));
  const headsFile = `${writer}${headsSuffix}`;
  const lines = await linesIn(join(dir, writer));
  const state = (seq: number, minute: number) => {
    const head: ChainHead = { writer, seq, link: linkTo(lines[seq - 1] ?? "") };
    const timestamp = new Date(Date.UTC(2026, 5, 1, 0, minute)).toISOString();
    return Buffer.from(`${sealHeads({ kind: "heads", timestamp, writer, heads: [head] }, key)}\n`);
  };
  await writeFile(join(dir, headsFile), state(lines.length, 10));
  return {
    dir,
    files: await filesIn(dir, ["", writer]),
    writer,
    headsFile,
    key,
    olderHeads: state(lines.length >> 1, 5),
    fork: forkOf(lines, writer, key, chance),
    foreign: foreignLines(key),
    remove: () => rm(top, { recursive: true, force: true }),
  };
}

/** The lines of one file, without their newlines. */
export function split(content: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < content.length; ) {
    const end = content.indexOf(0x0a, start);
    lines.push(content.subarray(start, end < 0 ? content.length : end));
    start = end < 0 ? content.length : end + 1;
  }
  return lines;
}

async function linesIn(folder: string): Promise<Buffer[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".jsonl")).sort();
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return contents.flatMap(split);
}

async function filesIn(dir: string, folders: readonly string[]): Promise<Files> {
  const files: Files = new Map();
  for (const folder of folders) {
    const entries = await readdir(join(dir, folder), { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
    for (const name of names.sort()) files.set(name, await readFile(join(dir, name)));
  }
  return files;
}

/** Goes on from the middle, and again from some 300 records before the end, so that the ends can be exchanged. */
function forkOf(lines: readonly Buffer[], writer: string, key: SigningKey, chance: Chance): Map<number, Buffer> {
  const fork = new Map<number, Buffer>();
  const half = lines.length >> 1;
  const spans = [
    [half, Math.min(half + 300, lines.length - 400)],
    [lines.length - 300, lines.length],
  ] as const;
  for (const [from, to] of spans) {
    let prev = linkTo(lines[from - 1] ?? "");
    for (let seq = from + 1; seq <= to; seq++) {
      const line = seal(variedRecord(chance, 1_000_000 + seq), { seq, prev, writer, key });
      fork.set(seq, Buffer.from(line));
      prev = linkTo(line);
    }
  }
  return fork;
}

function foreignLines(key: SigningKey): Buffer[] {
  const lines: Buffer[] = [];
  for (let seq = 1; seq <= 200; seq++) {
    const before = lines.at(-1);
    const place = { seq, prev: before ? linkTo(before) : null, writer: otherWriter, key };
    lines.push(Buffer.from(seal(policyDraft(`${seq}`), place)));
  }
  return lines;
}

/** Makes a folder, and the folders above it. */
export const makeFolder = (path: string): Promise<unknown> => mkdir(path, { recursive: true });

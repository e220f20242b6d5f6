import { policyDraft } from "./samples.js";
import { seal } from "./sealed.js";
import { type Copy, cut, firstSeq, type Place, segmentOf, type Tamperings } from "./tamper.js";
import { tamperedHeads } from "./tampered_heads.js";
import { tamperedLines } from "./tampered_lines.js";

/** Two different numbers below `end`, the lower first. */
function two({ chance }: Copy, end: number, from = 0): [number, number] {
  const low = chance.int(from, end - 1);
  return [low, chance.int(low + 1, end)];
}

/** Takes lines away, in one segment. */
function remove(copy: Copy, file: string, from: number, count: number): Place {
  const lines = copy.lines(file);
  lines.splice(from, count);
  copy.write(file, lines);
  return copy.after(file, from);
}

/** Puts lines into a segment, in place of others or between them. */
function insert(copy: Copy, file: string, at: number, replaced: number, given: readonly Buffer[]): Place {
  const lines = copy.lines(file);
  lines.splice(at, replaced, ...given);
  copy.write(file, lines);
  return { file, line: at + 1 };
}

/** Records of the older copy from some number on, in place of those that stand there. */
function splice(copy: Copy, replace: boolean): Place {
  const { fork } = copy.base;
  const half = Math.min(...fork.keys());
  // The fork's first record fits where it is put; every later one names another record before it.
  const { file, index } = copy.find(copy.chance.int(half + 1, half + 250));
  const seq = firstSeq(file) + index;
  const most = Math.min(copy.lines(file).length - index, 20);
  const given = Array.from({ length: copy.chance.int(1, most + 1) }, (_, i) => fork.get(seq + i)).filter(
    (line) => line !== undefined,
  );
  return insert(copy, file, index, replace ? given.length : 0, given);
}

/** Every kind of tampering, and how many of each are tried. */
export const tamperings: Tamperings = {
  ...tamperedLines,
  ...tamperedHeads,
  "one bit of a record": { tries: 200, tamper: (copy) => copy.flip(copy.anySegment()) },
  "one bit of a newline": {
    tries: 20,
    tamper: (copy) => {
      const file = copy.anySegment();
      const lines = copy.lines(file);
      const index = copy.chance.int(0, lines.length);
      const bytes = Buffer.from(copy.bytes(file));
      const at = lines.slice(0, index + 1).reduce((sum, line) => sum + line.length + 1, -1);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << copy.chance.int(0, 8));
      copy.files.set(file, bytes);
      return { file, line: index + 1 };
    },
  },
  "a line deleted": {
    tries: 50,
    tamper: (copy) => {
      const file = copy.anySegment();
      return remove(copy, file, copy.chance.int(0, copy.lines(file).length), 1);
    },
  },
  "several lines deleted": {
    tries: 50,
    tamper: (copy) => {
      const file = copy.anySegment();
      const [from, to] = two(copy, copy.lines(file).length);
      return remove(copy, file, from, to - from);
    },
  },
  "a line doubled": {
    tries: 50,
    tamper: (copy) => {
      const file = copy.anySegment();
      const lines = copy.lines(file);
      const index = copy.chance.int(0, lines.length);
      return insert(copy, file, copy.chance.int(index + 1, lines.length + 1), 0, lines.slice(index, index + 1));
    },
  },
  "two lines swapped": {
    tries: 50,
    tamper: (copy) => {
      const [a, b] = two(copy, copy.segments().length).map((at) => copy.segments()[at] ?? "") as [string, string];
      const [from, to] = [copy.lines(a), copy.lines(b)];
      const [i, j] = [copy.chance.int(0, from.length), copy.chance.int(0, to.length)];
      insert(copy, b, j, 1, from.slice(i, i + 1));
      return insert(copy, a, i, 1, to.slice(j, j + 1));
    },
  },
  "two neighbours swapped": {
    tries: 30,
    tamper: (copy) => {
      const file = copy.anySegment();
      const lines = copy.lines(file);
      const at = copy.chance.int(0, lines.length - 1);
      return insert(copy, file, at, 2, lines.slice(at, at + 2).reverse());
    },
  },
  "blocks reordered": {
    tries: 40,
    tamper: (copy) => {
      const file = copy.anySegment();
      const lines = copy.lines(file);
      const [from, middle] = two(copy, lines.length - 1);
      const to = copy.chance.int(middle + 1, lines.length);
      return insert(copy, file, from, to - from, [...lines.slice(middle, to), ...lines.slice(from, middle)]);
    },
  },
  "a line moved over the end of a segment": {
    tries: 20,
    tamper: (copy) => {
      const names = copy.segments();
      const at = copy.chance.int(1, names.length);
      const [before = "", file = ""] = [names[at - 1], names[at]];
      copy.write(before, [...copy.lines(before), ...copy.lines(file).slice(0, 1)]);
      return remove(copy, file, 0, 1);
    },
  },
  "records of an older copy in place of others": { tries: 50, tamper: (copy) => splice(copy, true) },
  "records of an older copy between others": { tries: 30, tamper: (copy) => splice(copy, false) },
  "the end rewritten with the key": {
    tries: 20,
    tamper: (copy) => {
      const { fork } = copy.base;
      const last = Math.max(...fork.keys());
      for (let seq = last - 299; seq <= last; seq++) {
        const { file, index } = copy.find(seq);
        const line = fork.get(seq);
        if (line !== undefined) insert(copy, file, index, 1, [line]);
      }
      if (copy.chance.int(0, 2) === 0) return cut(copy, copy.chance.int(1, 200));
      const end = copy.find(last);
      return { file: end.file, line: end.index + 1 };
    },
  },
  "a record of another writer": {
    tries: 30,
    tamper: (copy) => {
      const file = copy.anySegment();
      const at = copy.chance.int(0, copy.lines(file).length + 1);
      return insert(copy, file, at, copy.chance.int(0, 2), [copy.chance.pick(copy.base.foreign)]);
    },
  },
  "the last records cut off": { tries: 60, tamper: (copy) => cut(copy, copy.chance.int(1, 400)) },
  "cut within a line": {
    tries: 40,
    tamper: (copy) => {
      const file = copy.last();
      const bytes = copy.bytes(file);
      const at = copy.chance.int(1, bytes.length);
      const kept = bytes.subarray(0, bytes[at - 1] === 0x0a ? at - 1 : at);
      copy.files.set(file, kept);
      return { file, line: copy.lines(file).length };
    },
  },
  "a whole segment gone": {
    tries: 40,
    tamper: (copy) => {
      const file = copy.anySegment();
      copy.files.delete(file);
      const next = copy.segments().find((name) => name > file);
      return next === undefined ? { file: copy.last(), line: 0 } : { file: next, line: 1 };
    },
  },
  "all segments gone": {
    tries: 3,
    tamper: (copy) => {
      for (const file of copy.segments()) copy.files.delete(file);
      return { file: copy.base.headsFile, line: 1 };
    },
  },
  "a segment emptied": {
    tries: 15,
    tamper: (copy) => {
      const file = copy.anySegment();
      return remove(copy, file, 0, copy.lines(file).length);
    },
  },
  "two segments with each other's names": {
    tries: 20,
    tamper: (copy) => {
      const [a, b] = two(copy, copy.segments().length).map((at) => copy.segments()[at] ?? "") as [string, string];
      const kept = copy.bytes(a);
      copy.files.set(a, copy.bytes(b)).set(b, kept);
      return { file: a, line: 1 };
    },
  },
  "a segment named otherwise": {
    tries: 30,
    tamper: (copy) => {
      const file = copy.anySegment();
      const lines = copy.lines(file).length;
      const renamed = segmentOf(copy.base.writer, firstSeq(file) + copy.chance.int(1, lines));
      copy.rename(file, renamed);
      return { file: renamed, line: 1 };
    },
  },
  "a segment with no segment's name": {
    tries: 20,
    tamper: (copy) => {
      const file = copy.anySegment();
      const renamed = `${copy.base.writer}/${copy.chance.pick(["copy", "zzz", "0", "000000000000000000001"])}.jsonl`;
      copy.rename(file, renamed);
      return { file: renamed, line: 0 };
    },
  },
  "an empty file added": {
    tries: 30,
    tamper: (copy) => {
      const end = firstSeq(copy.last()) + copy.lines(copy.last()).length;
      const names = [copy.chance.int(2, end), copy.chance.int(end + 1, end * 2)].map((seq) =>
        segmentOf(copy.base.writer, seq),
      );
      const free = [...names, `${copy.base.writer}/more.jsonl`].filter((name) => !copy.files.has(name));
      const file = copy.chance.pick(free);
      copy.files.set(file, Buffer.alloc(0));
      return { file, line: 0 };
    },
  },
  "an empty line, or other bytes without meaning": {
    tries: 30,
    tamper: (copy) => {
      const file = copy.anySegment();
      const at = copy.chance.int(0, copy.lines(file).length + 1);
      return insert(copy, file, at, 0, [Buffer.from(copy.chance.pick(["", " ", "{}", "\0", "null", "\r", "#"]))]);
    },
  },
  "one record changed and signed with the key": {
    tries: 20,
    tamper: (copy) => {
      const file = copy.anySegment();
      const lines = copy.lines(file);
      const index = copy.chance.int(0, lines.length);
      const { seq, prev, writer } = JSON.parse(String(lines[index]));
      lines[index] = Buffer.from(seal(policyDraft("forged"), { seq, prev, writer, key: copy.base.key }));
      copy.write(file, lines);
      // The last record of the chain has nothing behind it but the statement.
      return index + 1 === lines.length && file === copy.last()
        ? { file, line: index + 1 }
        : copy.after(file, index + 1);
    },
  },
};

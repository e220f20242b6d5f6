import { linkTo } from "../../src/audit/chain.js";
import { otherWriter } from "./large_chain.js";
import { stranger } from "./samples.js";
import { cut, firstSeq, headsOf, type Tamperings } from "./tamper.js";

/** What can be done to the statement of heads, and to it and the records together. */
export const tamperedHeads: Tamperings = {
  "one bit of the statement of heads": {
    tries: 60,
    tamper: (copy) => {
      const { file } = copy.flip(copy.base.headsFile);
      return { file, line: copy.bytes(file).at(-1) === 0x0a ? 1 : 0 };
    },
  },
  "an older statement and the records of its time": {
    tries: 20,
    tamper: (copy) => {
      copy.keptHeads = true;
      copy.olderHeads();
      const records = firstSeq(copy.last()) + copy.lines(copy.last()).length - 1;
      return cut(copy, copy.chance.int(1, records >> 1));
    },
  },
  "an older statement alone": {
    tries: 5,
    tamper: (copy) => {
      copy.keptHeads = true;
      return copy.olderHeads();
    },
  },
  "the statement removed": {
    tries: 5,
    tamper: (copy) => {
      copy.requireHeads = true;
      copy.files.delete(copy.base.headsFile);
      return { file: copy.base.writer, line: 0 };
    },
  },
  "the statement removed with the last records": {
    tries: 10,
    tamper: (copy) => {
      copy.keptHeads = true;
      copy.files.delete(copy.base.headsFile);
      return cut(copy, copy.chance.int(1, 100));
    },
  },
  "the statement emptied, doubled or cut": {
    tries: 10,
    tamper: (copy) => {
      const file = copy.base.headsFile;
      const bytes = copy.bytes(file);
      const short = bytes.subarray(0, copy.chance.int(0, bytes.length));
      const twice = Buffer.concat([bytes, bytes]);
      const changed = copy.chance.pick([Buffer.alloc(0), short, twice]);
      copy.files.set(file, changed);
      return { file, line: changed === twice ? 1 : 0 };
    },
  },
  "the statement under another writer's name": {
    tries: 5,
    tamper: (copy) => {
      copy.rename(copy.base.headsFile, headsOf(otherWriter));
      return { file: headsOf(otherWriter), line: 1 };
    },
  },
  "the statement signed by another key": {
    tries: 10,
    tamper: (copy) => {
      const key = copy.chance.pick([stranger, { ...stranger, kid: copy.base.key.kid }]);
      const place = copy.heads(key, (statement) => ({ ...statement, timestamp: "2026-06-02T00:00:00.000Z" }));
      cut(copy, copy.chance.int(1, 10));
      return place;
    },
  },
  "a record in place of the statement": {
    tries: 5,
    tamper: (copy) => {
      const line = copy.chance.pick(copy.lines(copy.anySegment()));
      copy.write(copy.base.headsFile, [line]);
      return { file: copy.base.headsFile, line: 1 };
    },
  },
  "a statement of a writer that is not there": {
    tries: 5,
    tamper: (copy) => {
      const seq = copy.chance.int(1, copy.base.foreign.length);
      const link = linkTo(copy.base.foreign[seq - 1] ?? "");
      return copy.heads(copy.base.key, (statement) => ({
        ...statement,
        heads: [...statement.heads, { writer: otherWriter, seq, link }],
      }));
    },
  },
};

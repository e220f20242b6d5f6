import { openWriter } from "../../src/audit/writer.js";
import { canonicalJson } from "../../src/canonical.js";
import type { SigningKey } from "../../src/keys/keys.js";
import { FaultyDisk } from "../audit/faulty_disk.js";
import { decisionDraft, ed25519, optionsFor, scratch } from "../audit/samples.js";

const dir = scratch();

/** A key that tells where what it signs stands, each time. */
function counted(key: SigningKey): { key: SigningKey; signed: ArrayBufferLike[] } {
  const signed: ArrayBufferLike[] = [];
  const signText = (data: Uint8Array) => {
    signed.push(data.buffer);
    return key.signText(data);
  };
  return { key: { ...key, signText }, signed };
}

/** An input of a decision that tells how often it was written down. */
function watchedInput(): { input: never; times: () => number } {
  let times = 0;
  const input = Object.defineProperty({ other: 1 }, "watched", {
    enumerable: true,
    get() {
      times++;
      return "x";
    },
  });
  return { input: input as never, times: () => times };
}

test.each([1, 16, 256])(
  "%i records that come in one turn take one write, one look at the file and a signature each",
  async (count) => {
    const disk = new FaultyDisk();
    let looks = 0;
    const { key, signed } = counted(ed25519);
    const written: ArrayBufferLike[] = [];
    const openSegment: FaultyDisk["open"] = async (path) => {
      const file = await disk.open(path);
      return {
        ...file,
        appendNow: (bytes) => {
          written.push(bytes.buffer);
          return file.appendNow(bytes);
        },
        confirmNow: (length) => {
          looks++;
          file.confirmNow(length);
        },
        // Where the disk was slow a moment ago, as on a busy machine.
        confirm: (length) => {
          looks++;
          return file.confirm(length);
        },
      };
    };
    const sink = await openWriter(optionsFor(dir.path(), { key, openSegment }));
    try {
      looks = 0;
      const inputs = Array.from({ length: count }, watchedInput);
      await Promise.all(inputs.map(({ input }) => sink.append(decisionDraft(input))));
      expect(disk.appends).toHaveLength(1);
      expect(looks).toBe(1);
      expect(signed).toHaveLength(count);
      // What is signed is what is written, and no line has a buffer of its own.
      expect(signed.at(-1)).toBe(written[0]);
      expect(new Set(signed).size).toBeLessThanOrEqual(Math.ceil(count / 64));
      // Signature and line are made of the same text.
      expect(inputs.map(({ times }) => times())).toEqual(inputs.map(() => 1));
    } finally {
      await sink.close();
    }
  },
);

test("records beyond what one write may hold take as few writes as they can", async () => {
  const disk = new FaultyDisk();
  const sink = await openWriter(optionsFor(dir.path(), { openSegment: disk.open }));
  try {
    await Promise.all(Array.from({ length: 600 }, (_, index) => sink.append(decisionDraft({ index }))));
    expect(disk.appends).toHaveLength(3);
  } finally {
    await sink.close();
  }
});

test("canonical JSON reads each member once", () => {
  const { input, times } = watchedInput();
  canonicalJson({ b: input, a: [1, 2] });
  expect(times()).toBe(1);
});

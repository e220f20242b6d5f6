import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { Header, Pax } from "tar";
import { bounds, pack, unpack } from "../../src/bundle/archive.js";
import { PartMissing } from "../harness/part_missing.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { onPath, run } from "../harness/programs.js";
import { inFolder } from "./fixture.js";

type Fields = ConstructorParameters<typeof Header>[0];

/** One member of a tar, as somebody else might write it. */
function member(fields: Exclude<Fields, Buffer | undefined>, body = ""): Buffer {
  const header = new Header({
    mode: 0o644,
    size: Buffer.byteLength(body),
    mtime: new Date(0),
    type: "File",
    ...fields,
  });
  header.encode();
  const padded = Buffer.alloc(Math.ceil(Buffer.byteLength(body) / 512) * 512);
  padded.write(body);
  return Buffer.concat([header.block as Buffer, padded]);
}

const end = Buffer.alloc(1024);
const archive = (...members: Buffer[]): Buffer => gzipSync(Buffer.concat([...members, end]));
const file = (path: string, body = "x"): Buffer => member({ path }, body);

test("what was packed is unpacked: any content, names of any length", async () => {
  const step = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._ -]{0,180}$/);
  const name = fc.array(step, { minLength: 1, maxLength: 4 }).map((steps) => steps.join("/"));
  const entries = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 2_000 })), {
    selector: ([path]) => path,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(entries, async (list) => {
      const given = new Map(list.map(([path, bytes]) => [path, Buffer.from(bytes)]));
      expect([...(await unpack(await pack(given)))]).toEqual([...given]);
    }),
    { numRuns: 200 },
  );
});

test("the same entries give the same bytes", async () => {
  const entries = new Map([["a", Buffer.from("1")]]);
  expect((await pack(entries)).equals(await pack(entries))).toBe(true);
});

test.each([
  ["a", "a"],
  ["/a", "a"],
  ["./a/b", "a/b"],
  ["ä", "ä"],
])("the name %s is %s", async (written, read) => {
  expect([...(await unpack(archive(file(written)))).keys()]).toEqual([read]);
});

test("folders are passed over, long names and sizes come from extended headers", async () => {
  const path = `${"d/".repeat(100)}x`;
  const extended = new Pax({ path }).encode();
  const bytes = archive(member({ path: "d/", type: "Directory" }), extended, file("short"), file("next"));
  expect([...(await unpack(bytes)).keys()]).toEqual([path, "next"]);
});

const notTar = "it is no tar archive, or a part of one";
const whole = Buffer.concat([file("a"), file("b"), end]);
const broken = Buffer.from(whole);
broken[3] = 7;

test.each<[string, string, Buffer]>([
  ["no gzip", "it is no gzip file", Buffer.from("PK")],
  ["nothing", "it is no gzip file", Buffer.alloc(0)],
  ["a cut gzip", "it is no gzip file", archive(file("a")).subarray(0, 60)],
  ["an empty tar without an end", notTar, gzipSync(Buffer.alloc(0))],
  ["text", notTar, gzipSync("x".repeat(2_000))],
  ["a gzip in a gzip", notTar, gzipSync(archive(file("a"), file("b", "y".repeat(9_000))))],
  ["a cut header", notTar, gzipSync(whole.subarray(0, 700))],
  ["a cut body", notTar, gzipSync(member({ path: "a", size: 4_000 }, "x"))],
  ["no end", notTar, gzipSync(file("a"))],
  ["a wrong checksum", notTar, gzipSync(broken)],
  [
    "members behind the end",
    "the tar archive goes on behind its end",
    gzipSync(Buffer.concat([whole, file("c"), end])),
  ],
  ["a name twice", "the bundle has a twice", archive(file("a"), file("b"), file("a"))],
  ["a name twice, spelled otherwise", "the bundle has a twice", archive(file("a"), file("/a"))],
  [
    "a symbolic link",
    'something other than files: "a" (SymbolicLink)',
    archive(member({ path: "a", type: "SymbolicLink", linkpath: "/etc/passwd" })),
  ],
  [
    "a hard link",
    'something other than files: "a" (Link)',
    archive(member({ path: "a", type: "Link", linkpath: "b" })),
  ],
  [
    "a device",
    'something other than files: "a" (CharacterDevice)',
    archive(member({ path: "a", type: "CharacterDevice" })),
  ],
  ["a pipe", 'something other than files: "a" (FIFO)', archive(member({ path: "a", type: "FIFO" }))],
  ["a global header", "something other than files", archive(new Pax({ path: "x" }, true).encode(), file("a"))],
])("%s is refused", async (_what, message, bytes) => {
  await expect(unpack(bytes)).rejects.toThrow(message);
  await expect(unpack(bytes)).rejects.toMatchObject({ name: "InvalidBundle" });
});

test.each(["../a", "a/../b", "a/./b", "//a", "a//b", "..", ".", "a\\b", "a\tb", "/../a", "././a"])(
  "the name %j is refused",
  async (path) => {
    await expect(unpack(archive(file(path)))).rejects.toThrow("whose name is not permitted");
  },
);

test("what unpacks to more than the bound is refused without unpacking all of it", async () => {
  const bomb = gzipSync(Buffer.alloc(bounds.unpackedBytes + 1), { level: 9 });
  expect(bomb.length).toBeLessThan(100_000);
  await expect(unpack(bomb)).rejects.toThrow("the bundle unpacks to more than 67108864 bytes");
});

test("more files than the bound are refused", async () => {
  const bytes = archive(file("a"), file("b"), file("c"));
  await expect(unpack(bytes, { ...bounds, files: 2 })).rejects.toThrow("the bundle has more than 2 files");
  expect((await unpack(bytes, { ...bounds, files: 3 })).size).toBe(3);
});

test("no bytes make it do anything but unpack or refuse", async () => {
  const good = Buffer.concat([file("a", "x".repeat(600)), file("b"), end]);
  const spoiled = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255), cut: fc.nat(good.length) });
  await fc.assert(
    fc.asyncProperty(spoiled, async ({ at, byte, cut }) => {
      const bytes = Buffer.from(good);
      bytes[at] = byte;
      const error = await unpack(gzipSync(bytes.subarray(0, cut))).then(
        () => null,
        (thrown: Error) => thrown.name,
      );
      expect([null, "InvalidBundle"]).toContain(error);
    }),
    { numRuns: 500 },
  );
});

const tar = await requirePart("tar", async () => {
  const program = await onPath("tar");
  if (program === undefined) throw new PartMissing("tar", "put tar on PATH");
  return program;
});

describeWith(tar, "the tar of the system", (use) => {
  test("reads what is packed, and what it packs is read", () =>
    inFolder(async (folder) => {
      const at = (name: string) => join(folder, name);
      await writeFile(at("one.tar.gz"), await pack(new Map([["deep/er/a.txt", Buffer.from("hello")]])));
      expect(await run(use(), ["-xzOf", at("one.tar.gz"), "deep/er/a.txt"])).toBe("hello");

      await mkdir(at("content/below"), { recursive: true });
      await writeFile(at("content/.manifest"), "{}");
      await writeFile(at("content/below/b"), "b");
      await run(use(), ["-czf", at("two.tar.gz"), "-C", at("content"), "."]);
      const entries = await unpack(await readFile(at("two.tar.gz")));
      expect([...entries.keys()].sort()).toEqual([".manifest", "below/b"]);
      expect(String(entries.get("below/b"))).toBe("b");
    }));
});

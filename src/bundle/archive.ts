import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { Header, Pax } from "tar";
import { detailOf, InvalidBundle } from "./error.js";

/** Content of a bundle by name, without leading slash. */
export type Entries = ReadonlyMap<string, Buffer>;

/** Bounds of what is unpacked. A bundle of ten thousand agents takes some ten of these mebibytes. */
export const bounds = { unpackedBytes: 64 * 1024 * 1024, files: 10_000 };

const blockBytes = 512;
const epoch = new Date(0);

/** Bytes that the archive of these entries has at least once it is unpacked: of their content in whole blocks, and a header each. */
export function unpackedSize(entries: Entries): number {
  const sizes = [...entries.values()].map(({ length }) => blockBytes + length + (-length & (blockBytes - 1)));
  return sizes.reduce((a, b) => a + b, 2 * blockBytes);
}

/** A gzipped tar with the entries in their order. The same entries give the same bytes. */
export async function pack(entries: Entries): Promise<Buffer> {
  const blocks = [...entries].flatMap(([path, content]) => {
    const attributes = { path, mode: 0o644, size: content.length, type: "File", mtime: epoch } as const;
    const header = new Header(attributes);
    // A name that is too long for a plain header stands in one of its own before it.
    const long = header.encode() ? [new Pax({ path }).encode()] : [];
    const padding = Buffer.alloc(-content.length & (blockBytes - 1));
    return [...long, header.block ?? Buffer.alloc(0), content, padding];
  });
  return promisify(gzip)(Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]), { level: 9 });
}

/**
 * Reads a gzipped tar into memory; nothing of it touches the disk. Throws `InvalidBundle` for what is no such archive,
 * is larger than the bounds once unpacked, or has links, devices, a name twice, or a name that leads out of it. One
 * slash or `./` before a name is the bundle's top, as `opa build` and `tar` write it.
 */
export async function unpack(bytes: Uint8Array, { unpackedBytes, files } = bounds): Promise<Entries> {
  const tar = await unzip(bytes, unpackedBytes);
  const entries = new Map<string, Buffer>();
  let count = 0;
  for (const { path, type, body } of membersOf(tar)) {
    count += 1;
    if (count > files) throw new InvalidBundle(`the bundle has more than ${files} files`);
    if (type === "Directory") continue;
    if (type !== "File" && type !== "OldFile") {
      throw new InvalidBundle(`the bundle has something other than files: ${JSON.stringify(path)} (${type})`);
    }
    const name = nameOf(path);
    if (entries.has(name)) throw new InvalidBundle(`the bundle has ${name} twice`);
    entries.set(name, body);
  }
  return entries;
}

async function unzip(bytes: Uint8Array, maxOutputLength: number): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength });
  } catch (error) {
    const large = detailOf(error, "code") === "ERR_BUFFER_TOO_LARGE";
    throw new InvalidBundle(large ? `the bundle unpacks to more than ${maxOutputLength} bytes` : "it is no gzip file");
  }
}

/**
 * The members of a tar, the extended headers of POSIX applied to the member behind them. Walked here and not by a
 * parser for streams, which would also look for compression inside and pass over what it does not know.
 */
function* membersOf(tar: Buffer): Generator<{ path: string; type: Header["type"]; body: Buffer }> {
  let extended: Pax | undefined;
  let at = 0;
  for (;;) {
    if (at + blockBytes > tar.length) throw new InvalidBundle("it is no tar archive, or a part of one");
    const header = readHeader(tar, at, extended);
    if (header.nullBlock) break;
    const size = header.size ?? Number.NaN;
    const start = at + blockBytes;
    if (!header.cksumValid || !Number.isSafeInteger(size) || start + size > tar.length) {
      throw new InvalidBundle("it is no tar archive, or a part of one");
    }
    const body = tar.subarray(start, start + size);
    at = start + size + (-size & (blockBytes - 1));
    if (header.type === "ExtendedHeader") extended = Pax.parse(body.toString("utf8"));
    else {
      // A name in an extended header is whole; `Header` would still put the plain header's prefix before it.
      yield { path: extended?.path ?? header.path ?? "", type: header.type, body };
      extended = undefined;
    }
  }
  // What one reader takes for the end must not hide members that another would go on to read.
  if (tar.subarray(at).some((byte) => byte !== 0)) throw new InvalidBundle("the tar archive goes on behind its end");
}

function readHeader(tar: Buffer, at: number, extended: Pax | undefined): Header {
  try {
    return new Header(tar, at, extended);
  } catch {
    throw new InvalidBundle("it is no tar archive, or a part of one");
  }
}

function nameOf(path: string): string {
  const name = path.replace(/^\.?\//, "");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: such a name would be shown as another
  const strange = /[\u0000-\u001f\u007f\\]/.test(name);
  if (strange || name.split("/").some((step) => ["", ".", ".."].includes(step))) {
    throw new InvalidBundle(`the bundle has a file whose name is not permitted: ${JSON.stringify(path)}`);
  }
  return name;
}

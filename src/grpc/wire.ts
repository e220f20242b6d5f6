import { isAscii } from "node:buffer";

/** Thrown for a message that is not in the plain form; what it is then is for a complete decoder to say. */
export const notPlain = Symbol("not plain");

/** Text of larger messages is copied piece by piece: a piece that is kept would keep all of the message. */
const mostShared = 16_384;

/**
 * Names of members that were read last, by what is seen of them at a glance. Whoever sends others only makes room for those.
 */
const names: string[] = Array<string>(256).fill("");
const longestName = 64;

/** The same text as the runtime keeps it for names, so that it is hashed and looked for once and not in every message. */
function memberName(text: string): string {
  return Object.keys({ [text]: true })[0] ?? text;
}

/**
 * Reads a protobuf message (encoding as in protobuf.dev/programming-guides/encoding) of the plain form, in which each length
 * and tag is short. Throws `notPlain` for everything else, a message that ends too early included.
 *
 * The whole message becomes one text at first, of which strings are parts: one call into the runtime instead of fifty.
 */
export class PlainReader {
  pos = 0;
  readonly #bytes: Buffer;
  /** `null` when the parts cannot be taken from it. */
  readonly #text: string | null;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = bytes.length <= mostShared && isAscii(bytes) ? bytes.toString("latin1") : null;
  }

  /** One byte: field number and wire type of every field below 16. */
  tag(): number {
    return this.#bytes[this.pos++] ?? 0;
  }

  /** A number of at most 28 bits. */
  uint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.pos++] ?? 0x80;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = bytes[this.pos++] ?? 0x80;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw notPlain;
  }

  /** An int64 that is -1 or has at most 49 bits. */
  int64(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 7; count++) {
      const byte = this.#bytes[this.pos++] ?? 0x80;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return this.#minusOne();
  }

  /** Where the message whose length comes next ends. `within` is where the one around it ends. */
  end(within: number): number {
    const length = this.uint();
    const end = this.pos + length;
    if (end > within) throw notPlain;
    return end;
  }

  string(within: number): string {
    return this.#stringTo(this.end(within));
  }

  /** A string that comes again with nearly every message: the one that was made before, ready to be the name of a member. */
  name(within: number): string {
    const end = this.end(within);
    const start = this.pos;
    const length = end - start;
    const text = this.#text;
    if (text === null || length === 0 || length > longestName) return this.#stringTo(end);
    this.pos = end;
    const bytes = this.#bytes;
    const place =
      ((length * 31) ^ ((bytes[start] as number) * 7) ^ ((bytes[end - 1] as number) << 1)) & (names.length - 1);
    const known = names[place] as string;
    if (known.length === length && text.startsWith(known, start)) return known;
    const name = memberName(bytes.toString("latin1", start, end));
    names[place] = name;
    return name;
  }

  #stringTo(end: number): string {
    const start = this.pos;
    this.pos = end;
    return this.#text === null ? this.#bytes.toString("utf8", start, end) : this.#text.slice(start, end);
  }

  /** A string that is kept longer than the message. */
  ownString(within: number): string {
    const end = this.end(within);
    const start = this.pos;
    this.pos = end;
    return this.#bytes.toString("utf8", start, end);
  }

  bytes(within: number): Buffer {
    const end = this.end(within);
    const start = this.pos;
    this.pos = end;
    return this.#bytes.subarray(start, end);
  }

  /** Of ten bytes, all bits set. */
  #minusOne(): number {
    const last = this.pos + 2;
    for (let at = this.pos - 7; at < last; at++) if (this.#bytes[at] !== 0xff) throw notPlain;
    if (this.#bytes[last] !== 1) throw notPlain;
    this.pos = last + 1;
    return -1;
  }
}

/** A bit for each field number, so that a field which comes twice is seen. Throws `notPlain` for that. */
export function once(seen: number, tag: number): number {
  const bit = 1 << (tag >>> 3);
  if ((seen & bit) !== 0) throw notPlain;
  return seen | bit;
}

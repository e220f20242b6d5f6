import { isAscii } from "node:buffer";

/** Thrown for a message that is not in the plain form; what it is then is for a complete decoder to say. */
export const notPlain = Symbol("not plain");

/** Text of larger messages is copied piece by piece: a piece that is kept would keep all of the message. */
const mostShared = 16_384;

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
    const end = this.end(within);
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

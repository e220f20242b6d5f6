import { isAscii } from "node:buffer";
import type { Header } from "../call.js";

/** Thrown for a message that is not in the plain form; what it is then is for a complete decoder to say. */
export const notPlain = Symbol("not plain");

/**
 * Texts and headers that were read last, by what is seen of them at a glance. Whoever sends others only makes room for those.
 */
const texts: string[] = Array<string>(256).fill("");
const headers: Header[] = Array<Header>(256).fill({ name: "", value: "" });
const longestKnown = 64;
/** Too short for a secret of 128 bits: those are not kept beyond their call. */
const longestKept = 20;

/** A place in those tables. Texts that look alike share it, and one makes room for the other. */
function placeOf(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] as number;
  const middle = bytes[(start + end) >>> 1] as number;
  const last = bytes[end - 1] as number;
  return (((end - start) * 31) ^ (first * 7) ^ (middle * 13) ^ (last << 1)) & 0xff;
}

/**
 * True where the bytes say that text. Only texts may be given that have a character for each byte of theirs: then those beyond
 * ASCII stand for broken bytes, and are equal to none.
 */
function says(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

/** The same text as the runtime keeps it for names, so that it is hashed and looked for once and not in every message. */
function memberName(text: string): string {
  return Object.keys({ [text]: true })[0] ?? text;
}

/**
 * Reads a protobuf message (encoding as in protobuf.dev/programming-guides/encoding) of the plain form, in which each length
 * and tag is short. Throws `notPlain` for everything else, a message that ends too early included.
 *
 * Texts that nearly every message repeats are compared with the ones from before and not made again: a call out of JavaScript
 * for each takes as long as all the rest.
 */
export class PlainReader {
  pos = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
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
    return this.#textTo(end);
  }

  /** A string that comes again with nearly every message: the one that was made before, ready to be the name of a member. */
  name(within: number): string {
    const end = this.end(within);
    return this.#nameTo(end);
  }

  #nameTo(end: number): string {
    const start = this.pos;
    const length = end - start;
    if (length === 0 || length > longestKnown) return this.#textTo(end);
    const place = placeOf(this.#bytes, start, end);
    const known = texts[place] as string;
    if (says(this.#bytes, start, end, known)) {
      this.pos = end;
      return known;
    }
    const name = memberName(this.#textTo(end));
    if (name.length === length) texts[place] = name;
    return name;
  }

  #textTo(end: number): string {
    const start = this.pos;
    this.pos = end;
    return this.#bytes.toString("utf8", start, end);
  }

  /**
   * One entry of a map of strings, key first, that fills all up to `end`. The very object as in an earlier message while it
   * says the same, which most headers of most calls do.
   */
  header(end: number): Header {
    if (this.tag() !== 0x0a) throw notPlain;
    const nameEnd = this.end(end);
    const name = this.#nameTo(nameEnd);
    if (this.tag() !== 0x12 || this.end(end) !== end) throw notPlain;
    return this.#headerTo(name, nameEnd, end, "utf8");
  }

  /**
   * One `HeaderValue` with its name and its value as bytes, that fills all up to `end`: as `header`, with a character for each
   * byte of the value.
   */
  line(end: number): Header {
    if (this.tag() !== 0x0a) throw notPlain;
    const nameEnd = this.end(end);
    const name = this.#nameTo(nameEnd);
    if (this.pos === end) return { name, value: "" };
    // It may have its value as text; what both together mean is for the complete decoder to say.
    if (this.tag() !== 0x1a || this.end(end) !== end) throw notPlain;
    return this.#headerTo(name, nameEnd, end, "latin1");
  }

  #headerTo(name: string, nameEnd: number, end: number, encoding: "utf8" | "latin1"): Header {
    const { pos } = this;
    const length = end - pos;
    this.pos = end;
    if (length > longestKept || name.length > longestKnown) {
      return { name, value: this.#bytes.toString(encoding, pos, end) };
    }
    const place = placeOf(this.#bytes, nameEnd - name.length, nameEnd);
    const known = headers[place] as Header;
    if (known.name === name && says(this.#bytes, pos, end, known.value)) return known;
    const header = { name, value: this.#bytes.toString(encoding, pos, end) };
    // Of both encodings alike, so that what was read in one is true in the other.
    if (isAscii(this.#bytes.subarray(pos, end))) headers[place] = header;
    return header;
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

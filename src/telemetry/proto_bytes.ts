/** Messages in the encoding of Protocol Buffers (protobuf.dev, "Encoding"), written once, in order. */
export class ProtoBytes {
  #bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(size, 1_024));
  }

  /** So many bytes were written. */
  get length(): number {
    return this.#at;
  }

  /** Forgets what was written after so many bytes: in what `taken` gave before it is overwritten. */
  backTo(length: number): void {
    this.#at = length;
  }

  /** What stands before a message of so many bytes in a field. */
  head(field: number, length: number): void {
    this.#tag(field, 2);
    this.#number(length);
  }

  /** Begins a message in a field; `end` takes what this gives. */
  begin(field: number): number {
    this.#tag(field, 2);
    // Most are short, and longer ones are moved.
    return ++this.#at;
  }

  end(start: number): void {
    const length = this.#at - start;
    if (length < 128) {
      this.#bytes[start - 1] = length;
      return;
    }
    const more = Math.floor(Math.log2(length) / 7);
    this.#room(more);
    this.#bytes.copyWithin(start + more, start, this.#at);
    const end = this.#at + more;
    this.#at = start - 1;
    this.#number(length);
    this.#at = end;
  }

  text(field: number, value: string): void {
    this.#room(value.length * 3);
    const start = this.begin(field);
    const bytes = this.#bytes;
    let i = 0;
    // Short ASCII is written faster here than by a call out of JavaScript.
    if (value.length < 128) {
      for (; i < value.length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        bytes[start + i] = code;
      }
    }
    this.#at += i === value.length ? i : bytes.write(value, start, "utf8");
    this.end(start);
  }

  /** Bytes, given as lower-case hexadecimal digits; for ids, half the cost of a call out of JavaScript. */
  hex(field: number, digits: string): void {
    const count = digits.length >> 1;
    this.#room(count);
    this.head(field, count);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < count; i++) {
      bytes[at++] = (digitOf(digits.charCodeAt(2 * i)) << 4) | digitOf(digits.charCodeAt(2 * i + 1));
    }
    this.#at = at;
  }

  /** Members that were written before. */
  members(written: Uint8Array): void {
    const { length } = written;
    this.#room(length);
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < length; i++) bytes[at + i] = written[i] as number;
    this.#at = at + length;
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(field: number, value: number): void {
    this.#tag(field, 0);
    this.#number(value);
  }

  double(field: number, value: number): void {
    this.#tag(field, 1);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  fixed32(field: number, value: number): void {
    this.#tag(field, 5);
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  /** Low and high half. */
  fixed64(field: number, low: number, high: number): void {
    this.#tag(field, 1);
    this.#at = this.#bytes.writeUInt32LE(low, this.#at);
    this.#at = this.#bytes.writeUInt32LE(high, this.#at);
  }

  /** What was written, in the memory in which it was. */
  taken(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** With room for what follows a tag, texts apart. */
  #tag(field: number, type: number): void {
    this.#room(0);
    this.#number(field * 8 + type);
  }

  #number(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  #room(more: number): void {
    const needed = this.#at + more + 32;
    if (needed <= this.#bytes.length) return;
    const bytes = Buffer.allocUnsafe(needed * 2);
    this.#bytes.copy(bytes, 0, 0, this.#at);
    this.#bytes = bytes;
  }
}

function digitOf(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

import { canonicalJson, canonicalText, isPlainText, sortedNames } from "./canonical.js";

/** Texts up to this length are written here, character by character: to hand them over to native code takes longer. */
const longestByHand = 48;

/** Bytes of the room that is kept for good; what a larger one was made for is rare. */
const mostKept = 1024 * 1024;

/**
 * RFC 8785 forms (see `canonicalJson`) as UTF-8, one behind the other in one growing buffer. To write them there at once takes
 * half of what it takes to put a text together and to make it into bytes, and leaves nothing to collect: a record of a
 * decision has a hundred members, each of which would be three texts.
 */
export class CanonicalBytes {
  /** What was written is before `end`. Another buffer after each write that found too little room. */
  bytes = Buffer.allocUnsafeSlow(64 * 1024);
  end = 0;

  /** What was written, as long as nothing more is. */
  from(start: number): Buffer {
    return this.bytes.subarray(start, this.end);
  }

  /** Begins anew. What `from` gave is then no longer what it was. */
  clear(): void {
    this.end = 0;
    if (this.bytes.length > mostKept) this.bytes = Buffer.allocUnsafeSlow(mostKept);
  }

  /** One ASCII character. */
  byte(code: number): void {
    if (this.end === this.bytes.length) this.#grow(1);
    this.bytes[this.end++] = code;
  }

  /** A value as `canonicalJson` writes it. Throws what that throws; something of the value may then stand there. */
  value(value: unknown): void {
    if (typeof value === "string") this.#text(value);
    else if (value === null) this.raw("null");
    else if (typeof value === "boolean") this.raw(value ? "true" : "false");
    else if (Array.isArray(value)) this.#list(value);
    else if (isPlain(value)) this.#object(value);
    else this.raw(canonicalJson(value));
  }

  /** A member of an object that begins at `start`, with its comma; nothing where the value has no JSON form of its own. */
  member(name: string, value: unknown, start: number): void {
    if (value === undefined || typeof value === "symbol") return;
    if (this.end > start) this.byte(comma);
    this.#text(name);
    this.byte(colon);
    this.value(value);
  }

  /** A text that is JSON already. */
  raw(text: string): void {
    const { length } = text;
    if (this.end + 3 * length > this.bytes.length) this.#grow(3 * length);
    const { bytes } = this;
    if (length <= longestByHand) {
      let { end } = this;
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7e) break;
        bytes[end++] = code;
      }
      if (i === length) {
        this.end = end;
        return;
      }
    }
    this.end += bytes.write(text, this.end);
  }

  /** Puts a JSON text between what stands before and behind `at`. */
  insert(at: number, text: string): void {
    const length = Buffer.byteLength(text);
    if (this.end + length > this.bytes.length) this.#grow(length);
    this.bytes.copyWithin(at + length, at, this.end);
    this.bytes.write(text, at);
    this.end += length;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(2 * (this.end + bytes));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }

  #text(text: string): void {
    const { length } = text;
    if (this.end + length + 2 > this.bytes.length) this.#grow(length + 2);
    const { bytes } = this;
    let { end } = this;
    bytes[end++] = quote;
    if (length > longestByHand) {
      if (!isPlainText(text)) {
        this.raw(canonicalText(text));
        return;
      }
      end += bytes.write(text, end, "latin1");
    } else {
      for (let i = 0; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7e || plain[code] === 0) {
          this.raw(canonicalText(text));
          return;
        }
        bytes[end++] = code;
      }
    }
    bytes[end++] = quote;
    this.end = end;
  }

  #list(list: readonly unknown[]): void {
    this.byte(0x5b);
    for (let i = 0; i < list.length; i++) {
      const member = list[i];
      if (i > 0) this.byte(comma);
      this.value(member === undefined || typeof member === "symbol" ? null : member);
    }
    this.byte(0x5d);
  }

  #object(members: object): void {
    const known = forms.get(members);
    if (known === undefined) this.#members(members);
    else if (known !== notYet) this.#ascii(known);
    else {
      const { end } = this;
      this.#members(members);
      const form = this.bytes.toString("latin1", end, this.end);
      if (!notAscii.test(form)) forms.set(members, form);
    }
  }

  /** A text of which each character is one byte. */
  #ascii(text: string): void {
    const { length } = text;
    if (this.end + length > this.bytes.length) this.#grow(length);
    this.end += this.bytes.write(text, this.end, "latin1");
  }

  #members(members: object): void {
    const inOrder = isOrdered(members);
    if (!inOrder && typeof (members as { toJSON?: unknown }).toJSON === "function") {
      this.raw(canonicalJson(members));
      return;
    }
    this.byte(0x7b);
    const start = this.end;
    if (inOrder) {
      // V8 knows where members stand while it goes through them like this, and makes no list of them: two thirds of the work.
      for (const name in members) this.member(name, (members as Members)[name], start);
    } else {
      for (const name of sortedNames(members)) this.member(name, (members as Members)[name], start);
    }
    this.byte(0x7d);
  }
}

const notAscii = /[^\x20-\x7e]/;

/** The forms of what was said to be unchanging, as soon as they were written once. */
const forms = new WeakMap<object, string>();
const notYet = "";

/**
 * Says that an object comes in very many values and stays as it is: it is then put together once, and its text kept. Throws unless
 * it and all that is in it is frozen. What is written as often as it is made costs more so.
 */
export function unchanging<T extends object>(value: T): T {
  if (!isFrozen(value)) throw new TypeError("an object that can be changed has no form of its own");
  forms.set(value, notYet);
  return value;
}

function isFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}

type Members = Readonly<Record<string, unknown>>;

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;

/** 1 for each ASCII character that stands in JSON as it is. To look it up takes three quarters of what it takes to compare. */
const plain = new Uint8Array(0x7f);
for (let code = 0x20; code < plain.length; code++) plain[code] = code === quote || code === backslash ? 0 : 1;

/** True for an object that has nothing but members of its own. */
function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** True for an object of which the members can be gone through as they are, without a list of their names. */
export function isInOrder(value: object): boolean {
  return isPlain(value) && isOrdered(value);
}

/**
 * True when the names come in the order in which they are written, and none of them says that the object has a form of its own.
 * To ask each object for that, when most have none, would cost a record a twentieth more.
 */
function isOrdered(members: object): boolean {
  let before = "";
  for (const name in members) {
    if (name < before || name === "toJSON") return false;
    before = name;
  }
  return true;
}

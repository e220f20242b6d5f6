/** Nothing upper case, nothing beyond ASCII: such names are different in every reader's eyes when they are different at all. */
const caseless = /^[a-z0-9_.-]*$/;
/** So many characters hold too few digits for two readers to make two numbers of them. */
const longestNumber = 15;

/**
 * True for a JSON text that every reader surely takes for the same value, where that can be told at a glance: one pass over
 * the text outside its strings, and one over the names of `value`, which is what `JSON.parse` made of it. False where it takes
 * a closer look: escaped halves of characters, code units that are escaped in names, exponents, long numbers, names that may
 * be the same in another case, repeated names, more levels or members than given. A third of the time, parsing included.
 */
export function isPlainJson(text: string, value: unknown, most: { depth: number; members: number }): boolean {
  const names = namesIn(text, most);
  // Of two members of one name, the value has one.
  return names >= 0 && membersOf(value) === names;
}

/** How many names the text has, or -1 where that says too little. */
function namesIn(text: string, { depth, members }: { depth: number; members: number }): number {
  const firstEscape = text.indexOf("\\");
  const escapes = firstEscape < 0 ? null : new Escapes(text, firstEscape);
  let names = 0;
  let commas = 0;
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quotationMark: {
        at = escapes ? escapes.endOfString(at + 1) : text.indexOf('"', at + 1);
        if (at < 0) return -1;
        // A name whose code units are escaped may be one in disguise.
        if (escapes?.hasUnits && isName(text, at + 1)) return -1;
        break;
      }
      case openBrace:
      case openBracket:
        level += 1;
        if (level > depth) return -1;
        break;
      case closeBrace:
      case closeBracket:
        level -= 1;
        break;
      case colon:
        names += 1;
        break;
      case comma:
        commas += 1;
        break;
      case minus:
      case zero:
      case zero + 1:
      case zero + 2:
      case zero + 3:
      case zero + 4:
      case zero + 5:
      case zero + 6:
      case zero + 7:
      case zero + 8:
      case zero + 9: {
        const end = endOfNumber(text, at);
        if (end < 0) return -1;
        at = end - 1;
        break;
      }
    }
  }
  return names + commas > members ? -1 : names;
}

const [quotationMark, comma, minus, zero, nine, colon] = [0x22, 0x2c, 0x2d, 0x30, 0x39, 0x3a];
const [openBracket, backslash, closeBracket, openBrace, closeBrace] = [0x5b, 0x5c, 0x5d, 0x7b, 0x7d];
const [space, point, exponent, upperExponent, letterU] = [0x20, 0x2e, 0x65, 0x45, 0x75];

/** Strings with escapes, from the first to the last. Each escape is looked for once, however many strings there are before it. */
class Escapes {
  readonly #text: string;
  #next: number;
  /** The last string has code units that are escaped. */
  hasUnits = false;

  constructor(text: string, first: number) {
    this.#text = text;
    this.#next = first;
  }

  /** Where the string ends that begins at `start`; -1 for one that holds half a character. */
  endOfString(start: number): number {
    this.hasUnits = false;
    let end = this.#text.indexOf('"', start);
    while (this.#next >= 0 && this.#next < end) {
      const behind = this.#behind(this.#next);
      if (behind < 0) return -1;
      if (behind > end) end = this.#text.indexOf('"', behind);
      this.#next = this.#text.indexOf("\\", behind);
    }
    return end;
  }

  /** Where an escape ends, or a pair of them that are one character; -1 for half of such a pair. */
  #behind(at: number): number {
    if (this.#text.charCodeAt(at + 1) !== letterU) return at + 2;
    this.hasUnits = true;
    const unit = this.#unitAt(at);
    if (unit < 0xd800 || unit > 0xdfff) return at + 6;
    const isPair = unit < 0xdc00 && (this.#unitAt(at + 6) & 0xfc00) === 0xdc00;
    return isPair ? at + 12 : -1;
  }

  /** The code unit that is escaped there, 0 where none is. */
  #unitAt(at: number): number {
    const isUnit = this.#text.charCodeAt(at) === backslash && this.#text.charCodeAt(at + 1) === letterU;
    return isUnit ? Number.parseInt(this.#text.slice(at + 2, at + 6), 16) : 0;
  }
}

/** True where a colon follows a string, which makes it the name of a member. */
function isName(text: string, behind: number): boolean {
  let at = behind;
  while (text.charCodeAt(at) <= space) at++;
  return text.charCodeAt(at) === colon;
}

/** Where the number ends that begins at `start`; -1 for one that takes a closer look. */
function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === exponent || unit === upperExponent) return -1;
    if (unit !== point && (unit < zero || unit > nine)) break;
  }
  return at - start > longestNumber ? -1 : at;
}

/** How many members all objects in it have, or -1 when their names might be the same to some reader, or mean something. */
function membersOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item !== "object") continue;
      const within = membersOf(item);
      if (within < 0) return -1;
      members += within;
    }
    return members;
  }
  let cased = 0;
  // Without a list of pairs: what was parsed has no members but its own.
  for (const name in value) {
    if (name === "__proto__") return -1;
    if (!caseless.test(name)) cased += 1;
    members += 1;
    const member = (value as Record<string, unknown>)[name];
    if (typeof member !== "object") continue;
    const within = membersOf(member);
    if (within < 0) return -1;
    members += within;
  }
  return cased > 0 && !differ(Object.keys(value)) ? -1 : members;
}

/** Among so few names, each is compared with all others. */
const few = 16;

/** True for ASCII names that differ in more than their case. */
function differ(names: readonly string[]): boolean {
  return names.length <= few ? names.every(isUnlikeThoseBefore) : differFolded(names);
}

/** Nearly all names are of different lengths, and nothing is made of them then. */
function isUnlikeThoseBefore(name: string, at: number, names: readonly string[]): boolean {
  if (!ascii.test(name)) return false;
  for (let i = 0; i < at; i++) {
    const other = names[i] as string;
    if (other.length === name.length && other.toLowerCase() === name.toLowerCase()) return false;
  }
  return true;
}

function differFolded(names: readonly string[]): boolean {
  const lower = new Set<string>();
  for (const name of names) {
    if (!ascii.test(name)) return false;
    lower.add(name.toLowerCase());
  }
  return lower.size === names.length;
}

const ascii = /^[\x20-\x7e]*$/;

/** Nothing upper case, nothing beyond ASCII: such names are different in every reader's eyes when they are different at all. */
const caseless = /^[a-z0-9_.-]*$/;
/** So many characters hold too few digits for two readers to make two numbers of them. */
const longestNumber = 15;

/**
 * True for a JSON text that every reader surely takes for the same value, where that can be told at a glance: one pass over
 * the text outside its strings, and one over the names of `value`, which is what `JSON.parse` made of it. False where it takes
 * a closer look: escaped code units, exponents, long numbers, names that may be the same in another case, repeated names, more
 * levels or members than given. A third of the time, parsing included.
 */
export function isPlainJson(text: string, value: unknown, most: { depth: number; members: number }): boolean {
  const escapes = text.includes("\\");
  // Code units may be lone surrogates, and names in disguise.
  if (escapes && text.includes("\\u")) return false;
  const names = namesIn(text, most, escapes);
  // Of two members of one name, the value has one.
  return names >= 0 && membersOf(value) === names;
}

/** How many names the text has, or -1 where that says too little. */
function namesIn(text: string, { depth, members }: { depth: number; members: number }, escapes: boolean): number {
  let names = 0;
  let commas = 0;
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quotationMark:
        at = escapes ? endOfEscaped(text, at + 1) : text.indexOf('"', at + 1);
        if (at < 0) return -1;
        break;
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
const [point, exponent, upperExponent] = [0x2e, 0x65, 0x45];

/** Where the string ends that begins before `at`. */
function endOfEscaped(text: string, at: number): number {
  for (let here = at; here < text.length; here++) {
    const unit = text.charCodeAt(here);
    if (unit === quotationMark) return here;
    if (unit === backslash) here += 1;
  }
  return -1;
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
  for (const [name, member] of Object.entries(value)) {
    if (name === "__proto__") return -1;
    if (!caseless.test(name)) cased += 1;
    const within = membersOf(member);
    if (within < 0) return -1;
    members += 1 + within;
  }
  return cased > 0 && !differ(Object.keys(value)) ? -1 : members;
}

/** True for ASCII names that differ in more than their case. */
function differ(names: readonly string[]): boolean {
  const lower = new Set<string>();
  for (const name of names) {
    if (!ascii.test(name)) return false;
    lower.add(name.toLowerCase());
  }
  return lower.size === names.length;
}

const ascii = /^[\x20-\x7e]*$/;

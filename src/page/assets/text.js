// @ts-check
/*
 * Text that somebody else chose, made so that nothing in it is invisible, moves other characters, or passes for something
 * else. What comes out is pieces for `dom.js`; nothing here or there ever becomes HTML.
 */

/** @typedef {"plain" | "odd" | "break" | "rtl" | "alike"} Kind `break` is a line break, shown as one and marked as well. */
/** @typedef {{ kind: Kind, text: string, note?: string, same?: string }} Piece `same`: what it looks like. */
/** @typedef {{ name?: boolean }} As `name`: it says what something is, and is on one line. */

/** Control, format, unassigned, private and default-ignorable characters, separators, and blanks that are no space. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800\ufffc\u{1d159}]|[^\P{Zs} ]/u;
const letter = /\p{L}/u;
const combining = /\p{M}/u;
/** Marks that a letter may carry; more of them pile up over other text. */
const maxMarks = 3;
/** Letters of scripts that are written from right to left; their digits are apart, since they order themselves anew. */
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const digit = /\p{Nd}/u;
/** Full-width and mathematical forms of ASCII characters. */
const compatible = /[\p{L}\p{N}\uff01-\uff5e]/u;
const word = /[\p{L}\p{M}\p{N}_]+/gu;

/** Scripts with letters that look like those of another one of them. */
const scripts = /** @type {const} */ ([
  ["Latin", /\p{sc=Latin}/u],
  ["Cyrillic", /\p{sc=Cyrillic}/u],
  ["Greek", /\p{sc=Greek}/u],
  ["Armenian", /\p{sc=Armenian}/u],
  ["Cherokee", /\p{sc=Cherokee}/u],
  ["Coptic", /\p{sc=Coptic}/u],
  ["Lisu", /\p{sc=Lisu}/u],
]);

/**
 * @param {string} text
 * @param {As} [as]
 * @returns {Piece[]}
 */
export function pieces(text, as = {}) {
  const notes = lookalikes(text, as);
  /** @type {Piece[]} */
  const found = [];
  let marks = maxMarks;
  let at = 0;
  for (const char of text) {
    const mark = combining.test(char);
    const stray = mark && marks >= maxMarks;
    marks = mark ? marks + 1 : letter.test(char) ? 0 : maxMarks;
    const outer = as.name && char === " " && (at === 0 || at === text.length - 1);
    add(found, stray || outer ? { kind: "odd", text: escaped(char) } : pieceOf(char, notes.get(at)));
    at += char.length;
  }
  return found;
}

/**
 * The same on one line, for where only text can be: accessible names, titles.
 *
 * @param {string} text
 */
export function plain(text) {
  return pieces(text, { name: true })
    .map((piece) => piece.text)
    .join("");
}

/**
 * @param {string} char
 * @param {string} [note]
 * @returns {Piece}
 */
function pieceOf(char, note) {
  if (char === "\n") return { kind: "break", text: "\\n" };
  if (invisible.test(char)) return { kind: "odd", text: escaped(char) };
  if (note !== undefined) return { kind: "alike", text: char, note };
  const same = ascii(char);
  if (same !== null) return { kind: "alike", text: char, note: "looks like", same };
  return { kind: rightToLeft.test(char) ? "rtl" : "plain", text: char };
}

/**
 * Joins what belongs together: a run of right-to-left letters is one box, and each run of their digits another.
 *
 * @param {Piece[]} found
 * @param {Piece} piece
 */
function add(found, piece) {
  const last = found.at(-1);
  if (last === undefined || last.kind !== piece.kind || !joins(last, piece)) found.push(piece);
  else {
    last.text += piece.text;
    if (piece.same !== undefined) last.same = `${last.same}${piece.same}`;
  }
}

/**
 * @param {Piece} last
 * @param {Piece} piece
 */
function joins(last, piece) {
  if (piece.kind === "rtl") return digit.test(last.text.slice(-1)) === digit.test(piece.text);
  return piece.kind !== "break" && last.note === piece.note;
}

/**
 * By place in the text, why a character of a word may be another one than it seems.
 *
 * @param {string} text
 * @param {As} as
 */
function lookalikes(text, { name = false }) {
  /** @type {Map<number, string>} */
  const notes = new Map();
  for (const { 0: found, index } of text.matchAll(word)) {
    const used = scripts.filter(([, script]) => script.test(found)).map(([script]) => script);
    const foreign = name && used[0] !== undefined && used[0] !== "Latin";
    if (used.length < 2 && !foreign) continue;
    const note = used.length < 2 ? `${used[0]} letters` : `mixes ${used.join(" and ")} letters`;
    let at = index;
    for (const char of found) {
      notes.set(at, note);
      at += char.length;
    }
  }
  return notes;
}

/**
 * The ASCII characters that this one is a form of.
 *
 * @param {string} char
 */
function ascii(char) {
  if (char < "\u2100" || !compatible.test(char)) return null;
  const same = char.normalize("NFKC");
  return /^[!-~]+$/.test(same) ? same : null;
}

/** @type {Readonly<Record<string, string>>} */
const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** @param {string} char */
function escaped(char) {
  const hex = (char.codePointAt(0) ?? 0).toString(16);
  return short[char] ?? (hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`);
}

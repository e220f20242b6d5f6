import { writeLetters } from "./letters.js";

/** How a pattern wants to see a text. */
interface Readings {
  /** As it is. Empty where it has nothing of what those patterns look for. */
  raw: string;
  /**
   * In lower case, without accents, invisible characters and look-alikes of other scripts; white space is one space, one
   * line feed, or two where a line is empty. Whatever is not ASCII then is U+007F.
   */
  text: string;
  /** Letters and digits of `text` with one space around each word, and ` . ` where a sentence ends. */
  words: string;
  /** The words inside its HTML comments; one that is not closed goes on to the end. */
  comments: string;
}

export type ReadingName = keyof Readings;

/** What every pattern for `raw` needs: an invisible character, half a tag, or a change of direction. */
export const invisible = /[\u180e\u200b-\u200d\u202d\u202e\u2060-\u2064\ufeff\udb40]|[\ufe00-\ufe0f]/;

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const fullStop = 0x2e;
const colon = 0x3a;
const semicolon = 0x3b;

/** The readings of a text. */
export function readingsOf(raw: string): Readings {
  const bytes = Buffer.allocUnsafe(raw.length);
  const length = spaced(bytes, writeLetters(raw, bytes));
  const text = bytes.toString("latin1", 0, length);
  return { raw: invisible.test(raw) ? raw : "", text, words: wordsOf(bytes, length), comments: commentsIn(text) };
}

/** Makes each run of white space one space or one or two line feeds, in place. Returns the new length. */
function spaced(bytes: Buffer, length: number): number {
  let end = 0;
  for (let at = 0; at < length; ) {
    const byte = bytes[at] as number;
    if (!isSpace(byte)) {
      bytes[end++] = byte;
      at += 1;
      continue;
    }
    let breaks = 0;
    let previous = 0;
    for (let next = byte; isSpace(next) && at < length; next = bytes[at] as number) {
      if (isBreak(next) && !(next === lineFeed && previous === carriageReturn)) breaks += 1;
      previous = next;
      at += 1;
    }
    bytes[end++] = breaks === 0 ? space : lineFeed;
    if (breaks > 1) bytes[end++] = lineFeed;
  }
  return end;
}

const isBreak = (byte: number): boolean => byte >= lineFeed && byte <= carriageReturn;

const isSpace = (byte: number): boolean => byte === space || (byte >= tab && byte <= carriageReturn);

function wordsOf(bytes: Uint8Array, length: number): string {
  const words = Buffer.allocUnsafe(2 * length + 4);
  let end = 0;
  let isGap = true;
  let isEnd = false;
  let previous = 0;
  const close = (): void => {
    words[end++] = space;
    if (!isEnd && !isMark(previous)) return;
    words[end++] = fullStop;
    words[end++] = space;
  };
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[at] as number;
    if (isLetter(byte)) {
      if (isGap) close();
      words[end++] = byte;
      isGap = false;
      isEnd = false;
    } else {
      isEnd ||= byte === semicolon || endsSentence(isGap ? previous : 0, byte);
      isGap = true;
    }
    previous = byte;
  }
  if (!isGap) previous = 0;
  close();
  return words.toString("latin1", 0, end);
}

const isLetter = (byte: number): boolean => (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39);

const isMark = (byte: number): boolean => byte === fullStop || byte === 0x21 || byte === 0x3f;

/** A mark and white space, a colon at the end of a line, or an empty line. */
function endsSentence(previous: number, byte: number): boolean {
  if (byte !== space && byte !== lineFeed) return false;
  return isMark(previous) || (byte === lineFeed && (previous === colon || previous === lineFeed));
}

function commentsIn(text: string): string {
  const contents: string[] = [];
  let at = text.indexOf("<!--");
  while (at >= 0) {
    const end = text.indexOf("-->", at + 4);
    contents.push(text.slice(at + 4, end < 0 ? text.length : end));
    at = end < 0 ? -1 : text.indexOf("<!--", end);
  }
  if (contents.length === 0) return "";
  const joined = contents.join("\n\n");
  return wordsOf(Buffer.from(joined, "latin1"), joined.length);
}

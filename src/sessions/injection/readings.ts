import { fold } from "../../dlp/fold.js";

/** How a pattern wants to see a text. */
export interface Readings {
  /** As it is. */
  raw: string;
  /**
   * In lower case, without accents, invisible characters and look-alikes of other scripts; white space is one space, one
   * line feed, or two where a line is empty.
   */
  text: string;
  /** Letters and digits of `text` with one space around each word, and ` . ` where a sentence ends. */
  words: string;
  /** The words inside its HTML comments; one that is not closed goes on to the end. */
  comments: string;
}

export type ReadingName = keyof Readings;

const beyondAscii = /[^\0-\x7f]/;
const runsBeyondAscii = /[^\0-\x7f]+/g;
const space = /\s{2,}|[^\S \n]/g;
/** Whatever stands between words, but for one space. */
const betweenWords = /[^a-z0-9 ][^a-z0-9]*| [^a-z0-9]+/g;
const endOfSentence = /[.!?]\s|[.!?]$|;|:\n|\n\n/;

/** Letters of other scripts that look like one of ours (Unicode confusables, the part that people use), before lower case. */
const alike: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: "аАαΑɑ",
    b: "ВΒЬ",
    c: "сСϲϹ",
    d: "ԁ",
    e: "еЕΕєЄ",
    f: "ƒ",
    g: "ɡԌ",
    h: "НһΗҺ",
    i: "іІιΙıΊ",
    j: "јЈ",
    k: "кКκΚ",
    l: "ӏӀⅼ",
    m: "мМΜ",
    n: "ոΝ",
    o: "оОοΟσօ",
    p: "рРρΡ",
    q: "ԛ",
    r: "гᴦ",
    s: "ѕЅꜱ",
    t: "тТτΤ",
    u: "υսᴜ",
    v: "νѵ",
    w: "ԝѡω",
    x: "хХχΧ",
    y: "уУүΥγ",
    z: "ΖᴢԐ",
  }).flatMap(([letter, others]) => [...others].map((other) => [other, letter] as const)),
);

export function readingsOf(raw: string): Readings {
  const text = spaced(latin(raw).toLowerCase());
  return { raw, text, words: wordsOf(text), comments: commentsIn(text) };
}

function latin(text: string): string {
  if (!beyondAscii.test(text)) return fold(text);
  const letters = fold(text.normalize("NFD"));
  return letters.replaceAll(runsBeyondAscii, (run) =>
    Array.from(run, (letter) => alike.get(letter) ?? letter).join(""),
  );
}

function spaced(text: string): string {
  return text.replaceAll(space, (run) => {
    const breaks = run.match(/\r\n?|[\n\v\f\u2028\u2029]/g)?.length ?? 0;
    return breaks === 0 ? " " : breaks === 1 ? "\n" : "\n\n";
  });
}

function wordsOf(text: string): string {
  return ` ${text.replaceAll(betweenWords, (gap) => (endOfSentence.test(gap) ? " . " : " "))} `.replaceAll("  ", " ");
}

function commentsIn(text: string): string {
  const contents: string[] = [];
  let at = text.indexOf("<!--");
  while (at >= 0) {
    const end = text.indexOf("-->", at + 4);
    contents.push(text.slice(at + 4, end < 0 ? text.length : end));
    at = end < 0 ? -1 : text.indexOf("<!--", end);
  }
  return contents.length === 0 ? "" : wordsOf(contents.join("\n\n"));
}

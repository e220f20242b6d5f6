import { percentDecode } from "../percent.js";
import { fold } from "./fold.js";
import { base64Runs, piecesOf } from "./runs.js";
import type { Span } from "./span.js";

/** Shortest run of base64 that is decoded, in characters: nine bytes. Shorter than anything that a detector knows. */
const shortestRun = 12;
/** Shortest stretch of text in decoded bytes that is kept: random bytes have longer ones only by rare chance. */
const shortestStretch = 8;
/** How often base64 is decoded inside base64. */
const depth = 2;

/**
 * Other readings of a text: with its escapes undone, and what base64 in it says, and both again for that. The text itself
 * is not among them. Undoing never makes a text longer, and decoding gives at most one and a half times the text, so all
 * readings together are at most 17 times as long as the text.
 */
export function viewsOf(text: string): string[] {
  const views = new Set<string>();
  let layer = [text];
  for (let level = 0; level <= depth; level += 1) {
    const plain = layer.map(plainOf);
    for (const view of [...layer, ...plain]) views.add(view);
    layer = [...new Set([...layer, ...plain])].map(base64Of).filter((decoded) => decoded !== "");
  }
  views.delete(text);
  return [...views];
}

/** The text as whoever decodes and reads it sees it: two layers of percent-encoding, JSON's escapes, odd characters. */
function plainOf(text: string): string {
  return fold(unescaped(percentDecode(percentDecode(fold(text)))));
}

/** The escapes of JSON (RFC 8259 section 7), as in JSON that is a text in JSON. Surrogates stay as they are. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replaceAll(/\\(?:u([0-9A-Fa-f]{4})|([nrt/"\\]))/g, (written, hex?: string, letter?: string) => {
    if (hex === undefined) return letter === "n" || letter === "r" || letter === "t" ? "\n" : (letter ?? written);
    const code = Number.parseInt(hex, 16);
    return code >= 0xd800 && code <= 0xdfff ? written : String.fromCharCode(code);
  });
}

/**
 * What the base64 in a text says, as far as it is text; stretches of it are parted by empty lines. Lines that continue
 * each other are one run. A run is decoded as a whole, and once more in the parts between line breaks and `+ / - _`, since
 * it may follow a word and a slash.
 */
function base64Of(text: string): string {
  const stretches: string[] = [];
  let run: Span | null = null;
  for (const next of [...base64Runs(text, 1), null]) {
    if (run && next && isLineBreak(text, run.end, next.start)) {
      run = { start: run.start, end: next.end };
      continue;
    }
    if (run) for (const part of partsOf(text, run)) stretches.push(...stretchesOf(part));
    run = next;
  }
  return stretches.join("\n\n");
}

function partsOf(text: string, run: Span): string[] {
  if (run.end - run.start < shortestRun) return [];
  const whole = text.slice(run.start, run.end);
  const pieces = piecesOf(text, run, shortestRun).map(({ start, end }) => text.slice(start, end));
  return [...new Set([whole, ...pieces])];
}

const isLineBreak = (text: string, from: number, to: number): boolean =>
  to - from <= 2 && /^\r?\n$/.test(text.slice(from, to));

/** NULs go first: every second byte of ASCII in UTF-16 is one. */
function stretchesOf(run: string): string[] {
  const text = Buffer.from(run, "base64").toString("utf8").replaceAll("\0", "");
  return text.split(/[^\P{Cc}\t\n\r]|\ufffd/u).filter((stretch) => stretch.length >= shortestStretch);
}

/** Some entries of a long list in a file, as they are written. */
export interface ListPiece {
  text: string;
  /** The line on which it begins, from 1. */
  line: number;
  /** The place of its first entry in the list, from 0. */
  first: number;
  entries: number;
}

/** Below so many characters a file is read as a whole. */
const shortest = 65_536;

/** One entry in so many begins a piece, by a hash of its first line: then a change moves no boundary but its own. */
const entriesPerPiece = 32;
const mostPerPiece = 8 * entriesPerPiece;

/** An anchor or an alias, or what could be one: entries that stand for each other cannot be read one by one. */
const linked = /(?:^|[\s[{,]|["']:)[&*][^\s,"'\]}]/m;
/** What YAML 1.2 takes for an end of a line, and this here does not. */
const oddLineEnd = /\r(?!\n)/;

/**
 * Cuts a YAML file that holds one block list under one key, and is long, between entries: each piece is a list that says
 * by itself what it says in the file. `null` for a file of any other form, which has to be read as a whole. An entry
 * begins at the indentation of the first one, and no text, flow or block inside an entry can go on there
 * (YAML 1.2, 6.1: they are indented further).
 */
export function* listPieces(key: string, text: string): Generator<void, ListPiece[] | null> {
  if (text.length < shortest || linked.test(text) || oddLineEnd.test(text)) return null;
  yield;
  const head = new RegExp(`^(?:[ ]*(?:#.*)?\\r?\\n)*${key}:[ ]*(?:#.*)?\\r?\\n(?:[ ]*(?:#.*)?\\r?\\n)*(?=( *)- )`).exec(
    text,
  );
  if (!head) return null;
  const indent = head[1] as string;
  const pieces: ListPiece[] = [];
  let begun = { at: head[0].length, line: lineBreaks(head[0]) + 1, first: 0, entries: 0 };
  const end = (at: number): void => {
    const { at: from, ...place } = begun;
    pieces.push({ text: text.slice(from, at), ...place });
  };
  let line = begun.line;
  for (let at = begun.at; at < text.length; line++) {
    const newline = text.indexOf("\n", at);
    const next = newline === -1 ? text.length : newline + 1;
    const kind = kindOf(text, at, next, indent);
    if (kind === "other") return null;
    if (kind === "entry") {
      if (begun.entries === mostPerPiece || (begun.entries > 0 && beginsPiece(text, at, next))) {
        end(at);
        begun = { at, line, first: begun.first + begun.entries, entries: 0 };
        yield;
      }
      begun.entries += 1;
    }
    at = next;
  }
  end(text.length);
  return pieces;
}

/** An entry's first line, a line inside it (or blank, or a comment), or something else than the list. */
function kindOf(text: string, at: number, next: number, indent: string): "entry" | "inside" | "other" {
  let first = at;
  while (first < next && text.charCodeAt(first) === 0x20) first++;
  const char = text[first];
  if (first === next || char === "\n" || char === "\r" || char === "#") return "inside";
  const spaces = first - at;
  if (spaces > indent.length) return "inside";
  return spaces === indent.length && text.startsWith("- ", first) ? "entry" : "other";
}

function beginsPiece(text: string, from: number, to: number): boolean {
  let hash = 0;
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  // The upper bits of a product, since the lower ones of such a sum follow the last characters.
  return (Math.imul(hash, 0x9e3779b1) >>> 16) % entriesPerPiece === 0;
}

function lineBreaks(text: string): number {
  return text.split("\n").length - 1;
}

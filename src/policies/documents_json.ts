import { canonicalJson } from "../canonical.js";
import { inOnePiece } from "../one_piece.js";
import type { AgentDocument } from "./document.js";
import type { Documents } from "./join.js";

/** Kept while the document is: a reload after one file has changed, and the bundle of it, need the others' as they were. */
const texts = new WeakMap<AgentDocument, string>();

/** RFC 8785 form of one document. Documents are immutable. */
function documentJson(document: AgentDocument): string {
  const known = texts.get(document);
  if (known !== undefined) return known;
  // It is copied once for each agent that has it: from its hundreds of parts that takes twelve times as long.
  const text = inOnePiece(canonicalJson(document));
  texts.set(document, text);
  return text;
}

/** Characters of one piece, which are hashed or encoded at a time. */
const pieceLength = 65_536;

/** RFC 8785 form of `{<agent>: <document>, ...}`, in pieces, which together may be longer than one string can be. */
export function* policiesJson(documents: Documents): Generator<string, void> {
  let piece = "{";
  let first = true;
  for (const id of sortedIds(documents)) {
    piece += `${first ? "" : ","}${canonicalJson(id)}:${documentJson(documents.get(id) as AgentDocument)}`;
    first = false;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}}`;
}

/** Policies are mostly in order already; to see that is nothing beside sorting them. */
function sortedIds(documents: Documents): string[] {
  const ids = [...documents.keys()];
  return ids.every((id, at) => at === 0 || (ids[at - 1] as string) < id) ? ids : ids.sort();
}

/** How long that is in bytes; many agents a step. */
export function* policiesBytes(documents: Documents): Generator<void, number> {
  const lengths = new Map<AgentDocument, number>();
  // Braces, and a comma between two.
  let bytes = 2 + Math.max(0, documents.size - 1);
  for (const [id, document] of documents) {
    let length = lengths.get(document);
    if (length === undefined) {
      length = Buffer.byteLength(documentJson(document));
      lengths.set(document, length);
      yield;
    }
    bytes += Buffer.byteLength(canonicalJson(id)) + 1 + length;
  }
  return bytes;
}

/** The same documents, those that say the same being one object; some a step. */
export function* sharing(documents: Documents): Generator<void, Documents> {
  const one = new Map<AgentDocument, AgentDocument>();
  const byText = new Map<string, AgentDocument>();
  for (const document of documents.values()) {
    if (!one.has(document)) {
      const text = documentJson(document);
      const same = byText.get(text) ?? document;
      byText.set(text, same);
      one.set(document, same);
    }
    yield;
  }
  // Then they are shared as they are.
  if (byText.size === one.size) return documents;
  const shared = new Map<string, AgentDocument>();
  for (const [id, document] of documents) {
    shared.set(id, one.get(document) as AgentDocument);
    yield;
  }
  return shared;
}

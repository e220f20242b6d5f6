import type { Json } from "../call.js";
import { canonicalJson, sha256Hex } from "../canonical.js";
import type { CanonicalBytes } from "../canonical_bytes.js";
import { type Place, seal } from "./chain.js";
import { AuditUnavailable, type RecordDraft } from "./record.js";

/** Largest line in bytes, its newline not counted. */
export const maxLineBytes = 1024 * 1024;

/**
 * Seals a record into a line of at most `limit` bytes, behind what stands in `room`. Of too large a record as much is replaced by
 * its hash and size (both of the RFC 8785 form) as has to be: of a decision the input that policy saw, then the result and the
 * violations; of an act its detail; of any record, whatever is long. So nothing that somebody writes can make itself unfit for
 * the record. Throws `AuditUnavailable` when the record has no JSON form; `room` is then as it was.
 */
export function sealWithin(room: CanonicalBytes, draft: RecordDraft, place: Place, limit = maxLineBytes): void {
  const start = room.end;
  const fits = (record: RecordDraft): boolean => {
    sealed(room, record, place);
    if (room.end - start <= limit) return true;
    room.end = start;
    return false;
  };
  if (fits(draft)) return;
  for (const reduce of [...reductions[draft.kind], ...last]) if (fits(reduce(draft))) return;
  throw new AuditUnavailable(`a record is larger than ${limit} bytes`);
}

function sealed(room: CanonicalBytes, draft: RecordDraft, place: Place): void {
  const start = room.end;
  try {
    seal(room, draft, place);
  } catch (cause) {
    room.end = start;
    throw new AuditUnavailable("a record has no JSON form", { cause });
  }
}

type Reduction = (draft: RecordDraft) => RecordDraft;

/** What goes first, by kind. */
const reductions: Record<RecordDraft["kind"], Reduction[]> = {
  decision: [withoutInput, withoutParticulars],
  outcome: [],
  approval: [],
  policy: [],
  admin: [withoutDetail],
};

/** Then texts of this length and lists of this many members are cut, the shortest that a record could need last. */
const last: Reduction[] = [cutTo(4_096, 128), cutTo(256, 32)];

function withoutInput(draft: RecordDraft): RecordDraft {
  if (draft.kind !== "decision" || draft.opa_decision === null) return draft;
  return { ...draft, opa_decision: { ...draft.opa_decision, input: stubOf(draft.opa_decision.input) } };
}

function withoutParticulars(draft: RecordDraft): RecordDraft {
  if (draft.kind !== "decision") return draft;
  const { opa_decision: opa, violations } = draft;
  const opa_decision = opa && { ...opa, input: stubOf(opa.input), result: stubOf(opa.result) };
  return { ...draft, opa_decision, violations: stubOf(violations) };
}

function withoutDetail(draft: RecordDraft): RecordDraft {
  return draft.kind === "admin" ? { ...draft, detail: stubOf(draft.detail) } : draft;
}

/** Every text and every list of a record, at any depth, cut, with size and hash of what it was. */
function cutTo(longest: number, most: number): Reduction {
  const cut = (value: unknown): unknown => {
    if (typeof value === "string") return value.length > longest ? cutText(value, longest) : value;
    if (Array.isArray(value)) return cutList(value, most).map(cut);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, cut(member)]));
  };
  return (draft) => cut(withoutDetail(withoutParticulars(draft))) as RecordDraft;
}

/** Half a character at the end is no text. */
function cutText(text: string, longest: number): string {
  return text.slice(0, longest).replace(/[\ud800-\udbff]$/, "") + noteOf(text);
}

/** Only a list of texts has room for the note. */
function cutList(list: readonly Json[], most: number): Json[] {
  if (list.length <= most) return [...list];
  return [...list.slice(0, most), ...(typeof list[0] === "string" ? [noteOf([...list])] : [])];
}

function noteOf(whole: Json): string {
  const { sha256, bytes } = stubOf(whole);
  return `[omitted: ${bytes} bytes, sha256 ${sha256}]`;
}

function stubOf(value: Json): { omitted: true; sha256: string; bytes: number } {
  const text = canonicalJson(value);
  return { omitted: true, sha256: sha256Hex(text), bytes: Buffer.byteLength(text) };
}

import { canonicalJson, sha256Hex } from "../canonical.js";
import { type Place, seal } from "./chain.js";
import { AuditUnavailable, type RecordDraft } from "./record.js";

/** Largest line in bytes, its newline not counted. */
export const maxLineBytes = 1024 * 1024;

/**
 * Seals a record into a line of at most `limit` bytes. What makes a record large is the input that policy saw, so of
 * too large a record only the input's hash and size (both of its RFC 8785 form) stay. Throws `AuditUnavailable` when
 * that is not enough, or when the record has no JSON form.
 */
export function sealWithin(draft: RecordDraft, place: Place, limit = maxLineBytes): Buffer {
  const whole = Buffer.from(sealed(draft, place));
  if (whole.length <= limit) return whole;
  const reduced = Buffer.from(sealed(withoutInput(draft), place));
  if (reduced.length <= limit) return reduced;
  throw new AuditUnavailable(`a record is larger than ${limit} bytes`);
}

function sealed(draft: RecordDraft, place: Place): string {
  try {
    return seal(draft, place);
  } catch (cause) {
    throw new AuditUnavailable("a record has no JSON form", { cause });
  }
}

function withoutInput(draft: RecordDraft): RecordDraft {
  if (draft.kind !== "decision" || draft.opa_decision === null) return draft;
  const input = canonicalJson(draft.opa_decision.input);
  const stub = { omitted: true, sha256: sha256Hex(input), bytes: Buffer.byteLength(input) };
  return { ...draft, opa_decision: { ...draft.opa_decision, input: stub } };
}

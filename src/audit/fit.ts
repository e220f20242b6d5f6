import type { Json } from "../call.js";
import { canonicalJson, sha256Hex } from "../canonical.js";
import { type Place, seal } from "./chain.js";
import { AuditUnavailable, type RecordDraft } from "./record.js";

/** Largest line in bytes, its newline not counted. */
export const maxLineBytes = 1024 * 1024;

/**
 * Seals a record into a line of at most `limit` bytes. What makes a record large is the input that policy saw, so of
 * too large a record only the input's hash and size (both of its RFC 8785 form) stay; should that not be enough, the
 * same goes for the result and the violations, so that no agent can make its call unfit for the record. Throws
 * `AuditUnavailable` when even that is too large, or when the record has no JSON form.
 */
export function sealWithin(draft: RecordDraft, place: Place, limit = maxLineBytes): Buffer {
  const whole = Buffer.from(sealed(draft, place));
  if (whole.length <= limit) return whole;
  for (const reduce of [withoutInput, withoutParticulars]) {
    const reduced = Buffer.from(sealed(reduce(draft), place));
    if (reduced.length <= limit) return reduced;
  }
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
  return { ...draft, opa_decision: { ...draft.opa_decision, input: stubOf(draft.opa_decision.input) } };
}

function withoutParticulars(draft: RecordDraft): RecordDraft {
  if (draft.kind !== "decision") return draft;
  const { opa_decision: opa, violations } = draft;
  const opa_decision = opa && { ...opa, input: stubOf(opa.input), result: stubOf(opa.result) };
  return { ...draft, opa_decision, violations: stubOf(violations) };
}

function stubOf(value: Json): Json {
  const text = canonicalJson(value);
  return { omitted: true, sha256: sha256Hex(text), bytes: Buffer.byteLength(text) };
}

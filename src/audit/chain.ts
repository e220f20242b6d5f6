import { sha256Hex } from "../canonical.js";
import type { CanonicalBytes } from "../canonical_bytes.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import type { Envelope, RecordDraft } from "./record.js";
import { BrokenRecord, readSignedLine, writeSigned } from "./signed.js";

/** Where in a chain a record goes, and who signs it. */
export interface Place {
  /** 1 for the writer's first record. */
  seq: number;
  /** `linkTo` the line before; `null` for the first. */
  prev: string | null;
  writer: string;
  key: SigningKey;
}

/** Members of a record that are the chain's and not the event's. */
export type Sealed = Envelope & { [member: string]: unknown };

/**
 * Writes one line of the chain into `room`, without its newline: the RFC 8785 form of the record with its signature, which is over
 * the RFC 8785 form of everything else. Throws on a draft that has no JSON form, and on a key of another kind.
 */
export function seal(room: CanonicalBytes, draft: RecordDraft, { seq, prev, writer, key }: Place): void {
  writeSigned(room, draft, key, { names: chainNames, values: [prev, seq, null, writer] });
}

/** Members that are the chain's, in their order. */
const chainNames = ["prev", "seq", "signature", "writer"];

/** What the next record's `prev` says about this line (given without its newline). */
export function linkTo(line: string | Uint8Array): string {
  return `sha256:${sha256Hex(line)}`;
}

/**
 * Reads one line (without its newline) and checks everything that can be seen from it alone: that its bytes are the
 * only spelling of the record, and that one of the keys signed it. Throws `BrokenRecord`.
 */
export function readLine(line: Uint8Array, keys: readonly VerifyKey[]): Sealed {
  const record = readSignedLine(line, keys);
  const { seq, prev, writer } = record;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 1) throw new BrokenRecord("seq is no count");
  if (prev !== null && typeof prev !== "string") throw new BrokenRecord("prev is neither a link nor null");
  if (typeof writer !== "string") throw new BrokenRecord("writer is no name");
  return record as Sealed;
}

import { isUtf8 } from "node:buffer";
import { z } from "zod";
import type { Envelope, RecordDraft } from "../audit/record.js";

/** A record as it is read back. Only `kind`, `timestamp`, `writer` and `seq` were checked. */
export type AuditRecord = RecordDraft & Envelope;

/** Every kind of record. */
export const kinds = ["decision", "outcome", "approval", "policy", "admin"] as const satisfies RecordDraft["kind"][];

const form = z.looseObject({
  kind: z.enum(kinds),
  timestamp: z.iso.datetime(),
  writer: z.string(),
  seq: z.int().min(1),
});

/** The record of a line without its newline; `null` when it holds none. */
export function readRecord(line: Buffer): AuditRecord | null {
  if (!isUtf8(line)) return null;
  let value: unknown;
  try {
    value = JSON.parse(line.toString("utf8"));
  } catch {
    return null;
  }
  return form.safeParse(value).success ? (value as AuditRecord) : null;
}

/** The last member of every record by its name (RFC 8785 sorts them), and so the end of every whole line. */
const ending = Buffer.from('"writer":"');
const longestEnding = 200;

/**
 * True for a line that begins and ends as a record does. A search reads no more than this of lines in which what it looks for
 * does not stand, so it finds a line that was cut or overwritten, and not every flipped bit: that is for `audit verify`.
 */
export function looksWhole(line: Buffer): boolean {
  if (line.length < 2 || line[0] !== 0x7b || line[line.length - 1] !== 0x7d || line[line.length - 2] !== 0x22)
    return false;
  return line.subarray(-longestEnding).includes(ending) && isUtf8(line);
}

import { printable } from "../printable.js";
import type { readLine } from "./chain.js";
import type { RecordSource } from "./source.js";
import type { NewestHead } from "./stated_heads.js";

/** One place where records are not what a writer left. */
export interface AuditProblem {
  file: string;
  /** From 1; 0 when it is about the file as a whole. */
  line: number;
  /** Number of the record; of one that cannot be trusted, the number that was due. */
  seq?: number;
  message: string;
}

/** Records that one key signed, one after the other. */
export interface KeyRange {
  kid: string;
  /** `seq` of the first and of the last of them. */
  from: number;
  to: number;
}

/** One chain, as it was found. */
export interface WriterReport {
  writer: string;
  /** Records that hold. */
  records: number;
  firstSeq: number | null;
  lastSeq: number | null;
  /** `prev` of the record to come: what a copy of the chain's head kept elsewhere is compared with. */
  head: string | null;
  files: string[];
  /** Which key signed which records, in the order of the chain: a key that was changed begins a new range. */
  keys: KeyRange[];
  /** The newest statement about this chain; `null` when none covers it, so that a cut tail would not show. */
  newestHead: NewestHead | null;
}

export interface AuditReport {
  writers: WriterReport[];
  /** Statements of heads that hold. */
  statements: number;
  /** Empty when everything holds. No more than 1,000 are looked for in a chain. */
  problems: AuditProblem[];
}

export interface VerifyOptions {
  /** Statements that were kept elsewhere: they show a rollback of records and statements together. */
  heads?: Pick<RecordSource, "heads" | "problems">;
  /**
   * What was first stated after this time (milliseconds since 1970) may not be there yet, as in a bucket, which gets segments
   * when they have ended. Default: everything that is stated must be there.
   */
  dueMs?: number;
  /** A chain that no statement covers is a problem. */
  requireHeads?: boolean;
  /** Told of the bytes of each line once it was dealt with, its newline counted. */
  done?: (bytes: number) => void;
  /** Reads and checks one line by itself, for who has read the same line before. Default `readLine`. */
  read?: typeof readLine;
}

/** `file:line: record <seq>: message` on one line, the form editors and people click on. Who names a file or a key may be hostile. */
export function formatAuditProblem({ file, line, seq, message }: AuditProblem): string {
  const place = `${printable(file, longest)}${line > 0 ? `:${line}` : ""}`;
  return `${place}: ${seq === undefined ? "" : `record ${seq}: `}${printable(message, longest)}`;
}

/** Of a path or a message, in characters. */
const longest = 4_096;

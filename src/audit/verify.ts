import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { VerifyKey } from "../keys/keys.js";
import { linkTo, readLine, type Sealed } from "./chain.js";
import { maxLineBytes } from "./fit.js";
import { type Line, linesOf } from "./lines.js";
import { firstSeqOf, isWriterName, recordFilesIn } from "./segments.js";
import { BrokenRecord } from "./signed.js";

/** One place where records are not what a writer left. */
export interface AuditProblem {
  file: string;
  /** From 1; 0 when it is about the file as a whole. */
  line: number;
  /** Number of the record; of one that cannot be trusted, the number that was due. */
  seq?: number;
  message: string;
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
}

export interface AuditReport {
  writers: WriterReport[];
  /** Empty when everything holds. No more than `maxProblems` are looked for in a chain. */
  problems: AuditProblem[];
}

export const maxProblems = 1000;

/** `file:line: record <seq>: message`, the form editors and people click on. */
export function formatAuditProblem({ file, line, seq, message }: AuditProblem): string {
  return `${file}${line > 0 ? `:${line}` : ""}: ${seq === undefined ? "" : `record ${seq}: `}${message}`;
}

/**
 * Checks audit records with nothing but the files and the keys. A path is an audit directory, a writer's folder or a
 * single segment; only of folders is it checked that chains start at record 1. Reads files as streams. Rejects with
 * the system's error when a path cannot be read.
 *
 * It cannot see that the newest records of a chain, or a writer's whole folder, are missing: compare `head`.
 */
export async function verifyAudit(paths: readonly string[], keys: readonly VerifyKey[]): Promise<AuditReport> {
  const chains = await chainsIn(paths);
  const report: AuditReport = { writers: [], problems: [] };
  for (const chain of chains) {
    if (chain.files.length === 0) {
      report.problems.push({ file: chain.folder, line: 0, message: "holds no audit records" });
    } else {
      const check = new ChainCheck(chain, keys);
      report.writers.push(await check.run());
      report.problems.push(...check.problems);
    }
  }
  return report;
}

interface Chain {
  folder: string;
  files: string[];
  /** True when all of the writer's segments are here, so that record 1 must be among them. */
  whole: boolean;
}

async function chainsIn(paths: readonly string[]): Promise<Chain[]> {
  const chains = new Map<string, Chain>();
  for (const path of paths.map((given) => resolve(given))) {
    if ((await stat(path)).isDirectory()) {
      for (const chain of await chainsBelow(path)) chains.set(chain.folder, chain);
    } else {
      const folder = dirname(path);
      const chain = chains.get(folder) ?? { folder, files: [], whole: false };
      if (!chain.files.includes(path)) chain.files.push(path);
      if (!chain.whole) chain.files.sort();
      chains.set(folder, chain);
    }
  }
  return [...chains.values()];
}

async function chainsBelow(dir: string): Promise<Chain[]> {
  const own = await recordFilesIn(dir);
  const chains: Chain[] =
    own.length > 0 || isWriterName(basename(dir)) ? [{ folder: dir, files: own, whole: true }] : [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = join(dir, entry.name);
    const files = await recordFilesIn(folder);
    if (files.length > 0 || isWriterName(entry.name)) chains.push({ folder, files, whole: true });
  }
  return chains.length > 0 ? chains : [{ folder: dir, files: [], whole: true }];
}

/** What the next record must be; `null` where that cannot be known. */
type Expected = { seq: number; prev: string | null } | null;

class ChainCheck {
  readonly problems: AuditProblem[] = [];
  readonly #chain: Chain;
  readonly #keys: readonly VerifyKey[];
  readonly #report: WriterReport;
  #writer: string | null;
  #expected: Expected;

  constructor(chain: Chain, keys: readonly VerifyKey[]) {
    this.#chain = chain;
    this.#keys = keys;
    this.#writer = chain.whole ? basename(chain.folder) : null;
    this.#expected = chain.whole ? { seq: 1, prev: null } : null;
    const writer = basename(chain.folder);
    this.#report = { writer, records: 0, firstSeq: null, lastSeq: null, head: null, files: chain.files };
  }

  async run(): Promise<WriterReport> {
    for (const file of this.#chain.files) await this.#checkFile(file);
    return { ...this.#report, writer: this.#writer ?? this.#report.writer };
  }

  async #checkFile(file: string): Promise<void> {
    const named = firstSeqOf(basename(file));
    if (named === null && this.#chain.whole) this.#add(file, 0, "has no name that a segment has");
    let number = 0;
    for await (const line of linesOf(file, maxLineBytes)) {
      if (this.problems.length >= maxProblems) return;
      this.#checkLine(file, ++number, line, number === 1 ? named : null);
    }
    if (number === 0 && named !== null && this.#expected !== null && named !== this.#expected.seq) {
      this.#add(file, 0, `is empty and does not follow record ${this.#expected.seq - 1}`);
    }
  }

  #checkLine(file: string, number: number, line: Line, named: number | null): void {
    const due = this.#expected?.seq;
    try {
      if (line.tooLong) throw new BrokenRecord("is longer than a record can be");
      if (!line.terminated) throw new BrokenRecord("does not end with a newline");
      const record = readLine(line.bytes, this.#keys);
      const fault = this.#faultOfPlace(record, named);
      if (fault === null) this.#report.records++;
      else this.#add(file, number, fault, record.seq);
      this.#advance(record, linkTo(line.bytes));
    } catch (error) {
      if (!(error instanceof BrokenRecord)) throw error;
      this.#add(file, number, error.message, due);
      // What follows a line that cannot be trusted is judged by itself, so that only this line is named.
      this.#expected = null;
    }
  }

  #advance(record: Sealed, link: string): void {
    this.#writer ??= record.writer;
    this.#report.firstSeq ??= record.seq;
    this.#report.lastSeq = record.seq;
    this.#report.head = link;
    this.#expected = { seq: record.seq + 1, prev: link };
  }

  /** A record that holds by itself: why it does not belong where it stands. */
  #faultOfPlace({ seq, prev, writer }: Sealed, named: number | null): string | null {
    const last = this.#report.lastSeq ?? 0;
    if (this.#writer !== null && writer !== this.#writer) return `belongs to the writer ${JSON.stringify(writer)}`;
    if (this.#expected !== null && seq !== this.#expected.seq) {
      return seq < this.#expected.seq
        ? `is repeated or out of order: record ${this.#expected.seq} was expected`
        : `${seq - this.#expected.seq} record(s) are missing before it`;
    }
    if (seq <= last) return `is repeated or out of order: it follows record ${last}`;
    if ((seq === 1) !== (prev === null)) return "prev is null for record 1 and for no other";
    if (this.#expected !== null && prev !== this.#expected.prev) return "prev is not the hash of the line before";
    if (named !== null && named !== seq) return `stands where the file's name promises record ${named}`;
    return null;
  }

  #add(file: string, line: number, message: string, seq?: number): void {
    this.problems.push({ file, line, ...(seq !== undefined && { seq }), message });
  }
}

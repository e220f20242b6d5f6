import type { VerifyKey } from "../keys/keys.js";
import { linkTo, readLine, type Sealed } from "./chain.js";
import { maxLineBytes } from "./fit.js";
import type { Line } from "./lines.js";
import type { RecordDraft } from "./record.js";
import { firstSeqOf } from "./segments.js";
import { BrokenRecord } from "./signed.js";
import type { ChainSource, SegmentSource } from "./source.js";
import type { ChainHeads } from "./stated_heads.js";
import type { AuditProblem, KeyRange, VerifyOptions, WriterReport } from "./verify_report.js";

/** Problems that are looked for in one chain. */
export const maxProblems = 1000;

const kinds: Record<RecordDraft["kind"], true> = {
  decision: true,
  outcome: true,
  approval: true,
  policy: true,
  admin: true,
};

/** What the next record must be; `null` where that cannot be known. */
type Expected = { seq: number; prev: string | null } | null;

/** Checks one chain, line after line, in memory that does not grow with it. */
export class ChainCheck {
  readonly problems: AuditProblem[] = [];
  readonly #chain: ChainSource;
  readonly #keys: readonly VerifyKey[];
  readonly #options: VerifyOptions;
  readonly #heads: ChainHeads | undefined;
  readonly #report: WriterReport;
  readonly #ranges: KeyRange[] = [];
  #writer: string | null;
  #expected: Expected;
  /** Largest `seq` among records of this writer that hold by themselves. */
  #reached = 0;

  constructor(
    chain: ChainSource,
    keys: readonly VerifyKey[],
    heads: ChainHeads | undefined,
    options: VerifyOptions = {},
  ) {
    this.#chain = chain;
    this.#keys = keys;
    this.#heads = heads;
    this.#options = options;
    this.#writer = chain.whole ? chain.writer : null;
    this.#expected = chain.whole ? { seq: 1, prev: null } : null;
    this.#report = {
      writer: chain.writer,
      records: 0,
      firstSeq: null,
      lastSeq: null,
      head: null,
      files: chain.segments.map(({ place }) => place),
      keys: this.#ranges,
      newestHead: heads?.newest() ?? null,
    };
  }

  async run(): Promise<WriterReport> {
    for (const segment of this.#chain.segments) await this.#checkSegment(segment);
    this.#checkEnd();
    return { ...this.#report, writer: this.#writer ?? this.#report.writer };
  }

  async #checkSegment({ name, place, lines }: SegmentSource): Promise<void> {
    const named = firstSeqOf(name);
    if (named === null && this.#chain.whole) this.#add(place, 0, "has no name that a segment has");
    let number = 0;
    for await (const line of lines(maxLineBytes)) {
      if (this.problems.length >= maxProblems) return;
      this.#checkLine(place, ++number, line, number === 1 ? named : null);
      this.#options.done?.(line.bytes.length + 1);
    }
    if (number === 0 && named !== null && this.#expected !== null && named !== this.#expected.seq) {
      this.#add(place, 0, `is empty and does not follow record ${this.#expected.seq - 1}`);
    }
  }

  #checkLine(place: string, number: number, line: Line, named: number | null): void {
    const due = this.#expected?.seq;
    try {
      if (line.tooLong) throw new BrokenRecord("is longer than a record can be");
      if (!line.terminated) throw new BrokenRecord("does not end with a newline");
      const record = (this.#options.read ?? readLine)(line.bytes, this.#keys);
      const link = linkTo(line.bytes);
      const fault = this.#faultOfPlace(record, named) ?? this.#faultOfRecord(record, link);
      if (fault === null) this.#report.records++;
      else this.#add(place, number, fault, record.seq);
      this.#advance(record, link);
    } catch (error) {
      if (!(error instanceof BrokenRecord)) throw error;
      this.#add(place, number, error.message, due);
      // What follows a line that cannot be trusted is judged by itself, so that only this line is named.
      this.#expected = null;
    }
  }

  #advance(record: Sealed, link: string): void {
    const { seq, writer, signature } = record;
    this.#writer ??= writer;
    this.#report.firstSeq ??= seq;
    this.#report.lastSeq = seq;
    this.#report.head = link;
    this.#expected = { seq: seq + 1, prev: link };
    if (writer !== this.#writer) return;
    this.#reached = Math.max(this.#reached, seq);
    const range = this.#ranges.at(-1);
    if (range?.kid === signature.kid) range.to = seq;
    // Two keys that take turns would make a list as long as the chain; the fault of each turn is told anyway.
    else if (this.#ranges.length < maxProblems) this.#ranges.push({ kid: signature.kid, from: seq, to: seq });
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

  /** A record that belongs where it stands: what is wrong with it all the same. */
  #faultOfRecord({ seq, kind, act, signature }: Sealed, link: string): string | null {
    if (typeof kind !== "string" || !Object.hasOwn(kinds, kind)) return "is of an unknown kind";
    const { kid } = signature;
    const current = this.#ranges.at(-1);
    const stated = kind === "admin" && act === "audit_key_changed";
    if (current !== undefined && current.kid !== kid && !stated && this.#ranges.some((range) => range.kid === kid)) {
      return `is signed with the key ${JSON.stringify(kid)}, which ${JSON.stringify(current.kid)} had replaced`;
    }
    return this.#heads?.faultAt(seq, link) ?? null;
  }

  #checkEnd(): void {
    if (!this.#chain.whole || this.problems.length >= maxProblems) return;
    if (this.#heads === undefined) {
      const message = "no statement of heads covers it: a cut tail would not show";
      if (this.#options.requireHeads) this.#add(this.#chain.place, 0, message);
      return;
    }
    const stated = this.#heads.highest();
    if (stated !== null && stated.seq > this.#reached) {
      const last = this.#chain.segments.at(-1)?.place ?? this.#chain.place;
      this.#add(last, 0, `the chain ends at record ${this.#reached}, and ${stated.place} states it`, stated.seq);
    }
  }

  #add(file: string, line: number, message: string, seq?: number): void {
    this.problems.push({ file, line, ...(seq !== undefined && { seq }), message });
  }
}

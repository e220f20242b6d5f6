import { RecentMap } from "../recent_map.js";
import type { Runtime } from "../runtime.js";
import { letsThrough } from "../verdict.js";
import { type CountedRecord, countedRecordOf, groupOf, roundedOf, together } from "./counted.js";
import type { AuditSink, DecisionRecord, RecordDraft } from "./record.js";

export interface RefusalOptions {
  /** So many refused calls of one agent, or of all callers that nobody knows, have a record each. */
  whole: number;
  /** Within so long; then what was counted is recorded. */
  withinMs: number;
  runtime: Pick<Runtime, "monotonicMicros">;
  /** Told what an operator should look after; must not throw. */
  onWarning?: (message: string) => void;
}

/** Bounds on memory, whatever agents send. Registered agents, tools and reasons are few. */
const most = { agents: 10_000, groups: 5_000, approvals: 50_000 };

/** Of whole records, on average, in characters: who sends large calls has fewer of them recorded whole. */
const wholeChars = 16 * 1024;

/**
 * Keeps an agent that is refused again and again from filling the disk: what is beyond `whole` refusals is counted, and
 * recorded as one record for each kind of refusal when `withinMs` is over, or at the close. A call that passes, that opens
 * an approval or that uses one up always has a record of its own. A refusal that is only counted is answered without waiting
 * for the disk: it lets nothing through. Counts that cannot be written are kept and tried again.
 */
export function aggregateRefusals(sink: AuditSink, options: RefusalOptions): AuditSink {
  return new CountedRefusals(sink, options);
}

class CountedRefusals implements AuditSink {
  readonly #sink: AuditSink;
  readonly #options: RefusalOptions;
  /** What each agent has had recorded whole in this window; `null` stands for callers that nobody knows. */
  readonly #spent = new Map<string | null, { records: number; chars: number }>();
  /** Whose opening is recorded: who names one of them only waits for it. */
  readonly #approvals = new RecentMap<string, true>(most.approvals);
  #groups = new Map<string, CountedRecord>();
  #endsUs = 0;
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> | null = null;
  #closed: Promise<void> | null = null;

  constructor(sink: AuditSink, options: RefusalOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  append(draft: RecordDraft): Promise<void> {
    // No promise of our own for what passes.
    if (draft.kind !== "decision" || letsThrough(draft.enforced) || this.#closed) return this.#sink.append(draft);
    return this.#refused(draft);
  }

  async #refused(draft: DecisionRecord): Promise<void> {
    this.#keepWindow();
    const { approval_id: approval, human_approval: used } = draft;
    const opens = approval !== null && !this.#approvals.get(approval);
    const whole = opens || used !== null || this.#hasRoom(draft) || !this.#count(draft);
    if (whole) await this.#sink.append(draft);
    if (opens) this.#approvals.set(approval, true);
  }

  trouble(): string | null {
    return this.#sink.trouble();
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    await this.#flushing;
    await this.#flush();
    const lost = [...this.#groups.values()].reduce((sum, { aggregated }) => sum + aggregated.count, 0);
    if (lost > 0) this.#options.onWarning?.(`${lost} refused calls were counted, and could not be recorded`);
    await this.#sink.close();
  }

  /** Ends the window when it is over, also where its timer is late. */
  #keepWindow(): void {
    const { withinMs, runtime } = this.#options;
    const nowUs = runtime.monotonicMicros();
    if (this.#timer && nowUs < this.#endsUs) return;
    if (this.#timer) this.#endWindow();
    this.#endsUs = nowUs + withinMs * 1_000;
    this.#arm();
  }

  #arm(): void {
    if (this.#timer || this.#closed) return;
    this.#timer = setTimeout(() => this.#endWindow(), this.#options.withinMs).unref();
  }

  #endWindow(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#spent.clear();
    void this.#flush();
  }

  #hasRoom(record: DecisionRecord): boolean {
    const { whole } = this.#options;
    const { agent_id: agent } = record;
    const bucket = this.#spent.has(agent) || this.#spent.size < most.agents ? agent : null;
    const spent = this.#spent.get(bucket) ?? { records: 0, chars: 0 };
    if (spent.records >= whole || spent.chars >= whole * wholeChars) return false;
    const chars = spent.chars + JSON.stringify(record).length;
    this.#spent.set(bucket, { records: spent.records + 1, chars });
    return true;
  }

  /** False when there is no room to count it. */
  #count(record: DecisionRecord): boolean {
    const group = groupOf(record);
    if (!this.#groups.has(group) && this.#groups.size >= most.groups) {
      if (this.#flushing) return false;
      void this.#flush();
    }
    const [earlier, later] = [this.#groups.get(group), countedRecordOf(record)];
    this.#groups.set(group, earlier ? together(earlier, later) : later);
    return true;
  }

  /** Records what was counted. Never rejects: what cannot be written is counted on. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#written().finally(() => {
      this.#flushing = null;
      if (this.#groups.size > 0) this.#arm();
    });
    return this.#flushing;
  }

  async #written(): Promise<void> {
    const groups = this.#groups;
    this.#groups = new Map();
    const writing = [...groups].map(async ([group, record]) => {
      try {
        await this.#sink.append(roundedOf(record));
      } catch {
        const later = this.#groups.get(group);
        this.#groups.set(group, later ? together(record, later) : record);
      }
    });
    await Promise.all(writing);
  }
}

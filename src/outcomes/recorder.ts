import { type AuditSink, AuditUnavailable, type OutcomeRecord } from "../audit/record.js";
import type { AccessLogReader } from "../grpc/access_log.js";
import { gcra } from "../store/gcra.js";
import { type Ending, endingOf } from "./ending.js";
import type { Passed, PassedDecisions, ToldOf } from "./passed.js";

/** What other processes know of calls that this one knows nothing of, in their order. Never rejects. */
export type Elsewhere = (ends: readonly { id: string; end: string }[]) => Promise<ToldOf[]>;

export interface OutcomeRecorderOptions {
  sink: AuditSink;
  decisions: PassedDecisions;
  /** Asked about calls that this process did not let through; without it nobody is. */
  elsewhere?: Elsewhere | null;
  /** Milliseconds since the Unix epoch. */
  now: () => number;
  /** Told what became of so many entries of Envoy's access log. */
  count: (result: "recorded" | "unlinked" | "repeated" | "dropped" | "malformed", count: number) => void;
  /** For what is no failure of the disk. */
  onError: (error: unknown) => void;
  /** Outcomes that may wait for the audit. Default 10,000. */
  most?: number;
  /** After so long a failed write is tried again. Default 1,000 ms. */
  retryMs?: number;
}

export interface OutcomeRecorder extends AccessLogReader {
  /** Writes what waits, once, and counts what could not be written as dropped. */
  close(): Promise<void>;
}

/**
 * Outcomes of decisions that this process did not take, and those that contradict an earlier one: 300 at once and 300 a minute.
 * They are those of other processes behind the same Envoy and of this one before its start, or somebody invented them.
 */
export const unlinkedPerMinute = 300;
const unlinkedRate = { intervalUs: 60_000_000 / unlinkedPerMinute, burst: unlinkedPerMinute };

/** Few enough for calls to find room in the queue of the audit at all times. */
const atOnce = 64;

/** Ends of which other processes are asked in one message. */
const askedAtOnce = 500;

interface Waiting {
  record: OutcomeRecord;
  as: "recorded" | "unlinked";
}

/** Makes the records of outcomes and writes them, apart from the calls, which never wait for it. */
export function outcomeRecorder(options: OutcomeRecorderOptions): OutcomeRecorder {
  const { sink, decisions, elsewhere, now, count, onError, most = 10_000, retryMs = 1_000 } = options;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | null = null;
  let retry: NodeJS.Timeout | null = null;
  let unlinkedTat: number | null = null;
  /** Ends of which other processes are to be asked. */
  const unsure: { ending: Ending; id: string; end: string }[] = [];
  let asking: Promise<void> | null = null;

  function isWithinPace(): boolean {
    const decision = gcra(Math.floor(now() * 1000), unlinkedTat, unlinkedRate);
    if (decision.conforms) unlinkedTat = decision.tatUs;
    return decision.conforms;
  }

  function keep(ending: Ending): void {
    const [id, end] = [ending.decision_id, `${ending.outcome} ${ending.status}`];
    const decision = decisions.told(id, end);
    if (decision !== "unknown" || !elsewhere) keepAs(ending, decision);
    else if (waiting.length + unsure.length >= most) count("dropped", 1);
    else {
      unsure.push({ ending, id, end });
      asking ??= askElsewhere(elsewhere);
    }
  }

  /** A message of Envoy's tells of many calls, and they are asked about together. */
  async function askElsewhere(ask: Elsewhere): Promise<void> {
    await Promise.resolve();
    while (unsure.length > 0) {
      const batch = unsure.splice(0, askedAtOnce);
      const told = await ask(batch.map(({ id, end }) => ({ id, end })));
      for (const [i, { ending }] of batch.entries()) keepAs(ending, told[i] ?? "unknown");
    }
    asking = null;
  }

  function keepAs(ending: Ending, decision: ToldOf): void {
    // Which of two ends is the true one nobody knows here: whoever was first must not be able to hide the other.
    const isStrange = decision === "unknown" || decision === "contradicted";
    if (decision === "repeated") count("repeated", 1);
    else if (waiting.length >= most || (isStrange && !isWithinPace())) count("dropped", 1);
    else {
      const known = isStrange ? null : decision;
      const record = outcomeRecord(ending, known, now());
      waiting.push({ record, as: known ? "recorded" : "unlinked" });
      if (!retry) writing ??= write();
    }
  }

  /** Writes until nothing waits, or the audit cannot take it. */
  async function write(): Promise<void> {
    // What comes in the same moment goes out together.
    await Promise.resolve();
    let isStuck = false;
    while (waiting.length > 0 && !isStuck) {
      const failed = await writeSome(waiting.splice(0, atOnce));
      waiting = [...failed, ...waiting];
      isStuck = failed.length > 0;
    }
    writing = null;
    if (isStuck) retry = setTimeout(tryAgain, retryMs);
  }

  function tryAgain(): void {
    retry = null;
    writing ??= write();
  }

  /** Gives those that are to be tried again. */
  async function writeSome(batch: readonly Waiting[]): Promise<Waiting[]> {
    const failed: Waiting[] = [];
    const one = async (each: Waiting): Promise<void> => {
      try {
        await sink.append(each.record);
        count(each.as, 1);
      } catch (error) {
        if (error instanceof AuditUnavailable) return void failed.push(each);
        count("dropped", 1);
        onError(error);
      }
    };
    await Promise.all(batch.map(one));
    return failed;
  }

  return {
    take(entry) {
      const ending = endingOf(entry);
      if (ending === "malformed") count("malformed", 1);
      else if (ending) keep(ending);
    },
    lost: count,
    async close() {
      await asking;
      if (retry) clearTimeout(retry);
      if (retry) tryAgain();
      await writing;
      if (retry) clearTimeout(retry);
      if (waiting.length > 0) count("dropped", waiting.length);
      waiting = [];
    },
  };
}

/** `decision`: what this process knows of it. Without that only what Envoy was told then is known. */
function outcomeRecord({ told, ...ending }: Ending, decision: Passed | null, nowMs: number): OutcomeRecord {
  const unknown = { deployment_id: null, session_id: null, environment: null, service: null };
  return {
    kind: "outcome",
    timestamp: new Date(nowMs).toISOString(),
    ...ending,
    ...(decision ?? { ...unknown, ...told }),
  };
}

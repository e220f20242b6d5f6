import type { AuditSink, DecisionRecord, RecordDraft } from "../audit/record.js";
import { countedOf } from "./counted.js";
import type { StatsWindow } from "./window.js";

/** A sink that counts each decision once it is recorded. A record that cannot be counted is for `onTrouble`. */
export function counting(sink: AuditSink, window: StatsWindow, onTrouble: (error: unknown) => void): AuditSink {
  const count = (record: DecisionRecord) => {
    try {
      window.count(countedOf(record));
    } catch (error) {
      // What is recorded is recorded: numbers are no reason to refuse the call.
      onTrouble(error);
    }
  };
  return {
    async append(draft: RecordDraft) {
      await sink.append(draft);
      if (draft.kind === "decision") count(draft);
    },
    trouble: () => sink.trouble(),
    close: () => sink.close(),
  };
}

import { AuditUnavailable, type RecordDraft } from "../../src/audit/record.js";
import { measuredAudit } from "../../src/telemetry/audit_watch.js";

test("what is appended is measured and counted as waiting, also when it fails", async () => {
  const clock = { us: 0 };
  const waiting: number[] = [];
  const seconds: number[] = [];
  const ends: (() => void)[] = [];
  const sink = measuredAudit(
    {
      append: (draft) =>
        new Promise((resolve, reject) =>
          ends.push(() => (draft.timestamp === "bad" ? reject(new AuditUnavailable("full")) : resolve())),
        ),
      trouble: () => "full",
      close: async () => {},
    },
    { auditWaiting: (count) => void waiting.push(count), auditAppended: (took) => void seconds.push(took) },
    { monotonicMicros: () => clock.us },
  );
  const draft = (timestamp: string) => ({ kind: "policy", timestamp }) as RecordDraft;
  const [good, bad] = [sink.append(draft("good")), sink.append(draft("bad"))];
  expect(waiting).toEqual([1, 2]);
  clock.us = 1_500;
  for (const end of ends) end();
  await good;
  await expect(bad).rejects.toThrow(AuditUnavailable);
  expect(waiting).toEqual([1, 2, 1, 0]);
  expect(seconds).toEqual([0.0015, 0.0015]);
  expect(sink.trouble()).toBe("full");
});

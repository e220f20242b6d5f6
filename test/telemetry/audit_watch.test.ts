import { AuditUnavailable, type RecordDraft } from "../../src/audit/record.js";
import { watchedAudit } from "../../src/telemetry/audit_watch.js";
import { Records } from "../approvals/fixture.js";
import { decisionDraft, policyDraft } from "../audit/samples.js";

test("what is appended is measured and counted as waiting, also when it fails", async () => {
  const clock = { us: 0 };
  const waiting: number[] = [];
  const seconds: number[] = [];
  const ends: (() => void)[] = [];
  const sink = watchedAudit(
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

test("decisions are told of once they are recorded, in order, and nothing else is", async () => {
  const heard: string[] = [];
  const records = new Records();
  const nothing = () => {};
  const metrics = { auditWaiting: nothing, auditAppended: nothing };
  const sink = watchedAudit(records, metrics, { monotonicMicros: () => 0 });
  sink.onDecision(({ decision_id: id }) => void heard.push(`first ${id} ${records.kept.length}`));
  sink.onDecision(({ decision_id: id }) => void heard.push(`second ${id}`));
  await sink.append(policyDraft("v1"));
  await sink.append({ ...decisionDraft({}), decision_id: "d1" });
  expect(heard).toEqual(["first d1 2", "second d1"]);
  records.broken = true;
  await expect(sink.append({ ...decisionDraft({}), decision_id: "d2" })).rejects.toThrow("disk full");
  expect(heard).toHaveLength(2);
});

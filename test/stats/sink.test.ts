import { counting } from "../../src/stats/sink.js";
import { StatsWindow } from "../../src/stats/window.js";
import { Records } from "../approvals/fixture.js";
import { decisionRecord } from "./records.js";

const nowMs = Date.parse("2026-03-01T12:00:40Z");
let records: Records;
let window: StatsWindow;
let troubles: unknown[];
beforeEach(() => {
  records = new Records();
  window = new StatsWindow(() => nowMs);
  troubles = [];
});
const sink = () => counting(records, window, (error) => troubles.push(error));
const calls = () => window.see(1, 60).agents.reduce((sum, one) => sum + one.calls, 0);

test("counts decisions once they are recorded", async () => {
  await sink().append(decisionRecord());
  expect([calls(), records.kept.length]).toEqual([1, 1]);
});

test("counts nothing that could not be recorded, and refuses as the sink does", async () => {
  records.broken = true;
  await expect(sink().append(decisionRecord())).rejects.toThrow("disk full");
  expect([calls(), sink().trouble()]).toEqual([0, "disk full"]);
});

test("counts no records of other kinds", async () => {
  const policy = {
    event: "loaded",
    policy_version: "v",
    previous_version: null,
    files: [] as string[],
    detail: null,
  } as const;
  await sink().append({ kind: "policy", timestamp: "2026-03-01T12:00:30.000Z", ...policy });
  expect(calls()).toBe(0);
});

test("what cannot be counted is recorded all the same", async () => {
  const odd = decisionRecord({
    decision: "deny",
    enforced: "deny",
    opa_decision: { result: { enforced: 7 } } as never,
  });
  await sink().append(odd);
  expect([calls(), records.kept.length, troubles.length]).toEqual([0, 1, 1]);
});

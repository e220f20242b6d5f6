import { jest } from "@jest/globals";
import { AuditUnavailable, type RecordDraft } from "../../src/audit/record.js";
import { changeableLogLevel, type LogLevel } from "../../src/telemetry/log_level.js";

const start = Date.parse("2026-03-01T12:00:00Z");

beforeEach(() => jest.useFakeTimers({ now: start }));
afterEach(() => jest.useRealTimers());

function made(configured: LogLevel | null = "info") {
  const records: RecordDraft[] = [];
  const said: object[] = [];
  const disk = { broken: false };
  const log = { level: configured ?? "silent", warn: (details: object) => void said.push(details) };
  const audit = {
    append: async (draft: RecordDraft) => {
      if (disk.broken) throw new AuditUnavailable("full");
      // It is on record before it is so.
      expect(log.level).toBe(draft.kind === "admin" ? draft.detail.from : "");
      records.push(draft);
    },
  };
  const levels = changeableLogLevel({ log, configured, audit, runtime: { now: () => Date.now() } });
  return { levels, log, records, said, disk };
}

test("a change is recorded with who asked for it, made, said, and over by itself", async () => {
  const { levels, log, records, said } = made();
  const until = "2026-03-01T12:10:00.000Z";
  expect(await levels.set("debug", 600_000, "root@example.com")).toEqual({ level: "debug", configured: "info", until });
  expect(log.level).toBe("debug");
  expect(records).toEqual([
    {
      kind: "admin",
      timestamp: "2026-03-01T12:00:00.000Z",
      act: "log_level_changed",
      by: "root@example.com",
      agent_id: null,
      detail: { from: "info", to: "debug", until },
    },
  ]);
  jest.advanceTimersByTime(599_999);
  expect(log.level).toBe("debug");
  jest.advanceTimersByTime(1);
  expect(levels.show()).toEqual({ level: "info", configured: "info", until: null });
  expect(said).toEqual([
    { from: "info", to: "debug", by: "root@example.com", until },
    { from: "debug", to: "info", by: "time" },
  ]);
});

test("the last word holds: a later change is not undone by the end of an earlier one", async () => {
  const { levels, log } = made();
  await Promise.all([levels.set("debug", 1_000, "a"), levels.set("error", null, "b")]);
  jest.advanceTimersByTime(10_000);
  expect(log.level).toBe("error");
  expect(levels.show()).toEqual({ level: "error", configured: "info", until: null });
});

test("what cannot be recorded does not happen, and leaves what there was", async () => {
  const { levels, log, disk } = made();
  await levels.set("warn", 1_000, "a");
  disk.broken = true;
  await expect(levels.set("debug", null, "b")).rejects.toThrow(AuditUnavailable);
  expect(log.level).toBe("warn");
  jest.advanceTimersByTime(1_000);
  expect(log.level).toBe("info");
});

test("a log that is off stays off", async () => {
  const { levels, log, records } = made(null);
  expect([levels.show(), await levels.set("debug", null, "a")]).toEqual([null, null]);
  expect([log.level, records]).toEqual(["silent", []]);
});

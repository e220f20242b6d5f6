import type { HappeningKind } from "../../src/notify/notice.js";
import { type Job, Queue } from "../../src/notify/queue.js";

function job(kind: HappeningKind, key: string, dueMs = 0): Job {
  const happening = kind.startsWith("approval.") ? { kind, id: key, agent: "a" } : { kind, agent: "a" };
  return { key, happening: happening as Job["happening"], atMs: 0, id: "", takenMs: 0, dueMs, failures: 0 };
}

const idle = () => false;

test("what has been due for longest comes first, and only once it is due", () => {
  const queue = new Queue(10);
  for (const [key, dueMs] of [
    ["late", 30],
    ["first", 10],
    ["second", 20],
  ] as const) {
    expect(queue.add(job("approval.opened", key, dueMs))).toBeNull();
  }
  expect(queue.next(9, idle)).toBeNull();
  expect(queue.dueMs(idle)).toBe(10);
  expect([queue.next(25, idle), queue.next(25, idle), queue.next(25, idle)].map((one) => one?.key)).toEqual([
    "first",
    "second",
    undefined,
  ]);
  expect([queue.size, queue.has("late"), queue.has("first")]).toEqual([1, true, false]);
});

test("what is busy is not due", () => {
  const queue = new Queue(10);
  queue.add(job("approval.closed", "a", 1));
  queue.add(job("approval.closed", "b", 2));
  const isBusy = (key: string) => key === "a";
  expect([queue.dueMs(isBusy), queue.next(5, isBusy)?.key, queue.dueMs(isBusy), queue.dueMs(idle)]).toEqual([
    2,
    "b",
    null,
    1,
  ]);
});

test("what waits already is not taken twice", () => {
  const queue = new Queue(10);
  queue.add(job("approval.opened", "a", 1));
  queue.add(job("approval.opened", "a", 2));
  expect([queue.size, queue.dueMs(idle)]).toEqual([1, 1]);
});

test("without room the oldest that nobody has to answer goes, and the oldest of all when there is none", () => {
  const queue = new Queue(3);
  queue.add(job("approval.opened", "a"));
  queue.add(job("approval.closed", "b"));
  queue.add(job("budget.warning", "c"));
  expect(queue.isFull).toBe(true);
  const gone = (["d", "e", "f"] as const).map((key) => queue.add(job("approval.escalated", key))?.key);
  expect(gone).toEqual(["b", "c", "a"]);
  expect(queue.add(job("counters.lost", "g"))?.key).toBe("g");
  expect(queue.size).toBe(3);
});

import { ExportResultCode } from "@opentelemetry/core";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { SpanBatch } from "../../src/telemetry/span_batch.js";
import { SpanQueue } from "../../src/telemetry/span_queue.js";

type Answer = "taken" | "refused" | "away";

/** A queue to an exporter that answers when it is told to, and what that was given: names of spans, batch for batch. */
function start(more: { maxWaiting?: number } = {}) {
  const batches: string[][] = [];
  const asked: ((answer: Answer) => void)[] = [];
  const waiting: number[] = [];
  const counts: Record<string, number> = {};
  const queue = new SpanQueue({
    exporter: {
      export(batch: SpanBatch, done) {
        batches.push(Buffer.from(batch.request()).toString("latin1").match(/<\d+>/g) ?? []);
        asked.push((answer) => {
          if (answer === "taken") return done({ code: ExportResultCode.SUCCESS });
          const error = Object.assign(new Error(answer), answer === "refused" && { code: 400 });
          done({ code: ExportResultCode.FAILED, error });
        });
      },
      shutdown: async () => {},
    },
    delayMs: 60_000,
    retryMs: [1, 1],
    watch: {
      counted: (result, count) => {
        counts[result] = (counts[result] ?? 0) + count;
      },
      waiting: (count) => void waiting.push(count),
      away: () => {},
      back: () => {},
    },
    ...more,
  });
  const tracer = new NodeTracerProvider({ spanProcessors: [queue] }).getTracer("test");
  let made = 0;
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) tracer.startSpan(`<${made++}>`).end();
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  /** Begins to send; `done` when everything was tried once. */
  const flush = async () => {
    const done = queue.forceFlush();
    await turn();
    return { done };
  };
  /** Answers what was last given, and lets the queue go on. */
  const answer = async (what: Answer): Promise<void> => {
    const one = asked.shift();
    if (one === undefined) throw new Error("nothing was given");
    one(what);
    await turn();
  };
  return { tracer, add, flush, answer, batches, counts, waiting };
}

const named = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `<${from + i}>`);

test("spans go in the order in which they ended, 512 of them at most together", async () => {
  const { add, flush, answer, batches, counts, waiting } = start();
  add(1_100);
  const flushed = await flush();
  await answer("taken");
  await answer("taken");
  await answer("taken");
  await flushed.done;
  expect(batches).toEqual([named(0, 512), named(512, 1_024), named(1_024, 1_100)]);
  expect([counts, waiting.at(-1)]).toEqual([{ sent: 1_100 }, 0]);
});

test("one that ends while others are being sent goes after them, and is in no memory of theirs", async () => {
  const { add, flush, answer, batches, counts } = start();
  add(10);
  const flushed = await flush();
  add(3);
  await answer("taken");
  add(2);
  await answer("taken");
  await answer("taken");
  await flushed.done;
  expect(batches).toEqual([named(0, 10), named(10, 13), named(13, 15)]);
  expect(counts).toEqual({ sent: 15 });
});

test("what was not taken is given again as it was, before what came later", async () => {
  const { add, flush, answer, batches, counts } = start();
  add(10);
  const first = await flush();
  add(3);
  await answer("away");
  await first.done;
  add(1);
  const second = await flush();
  await answer("taken");
  await answer("taken");
  await second.done;
  expect(batches).toEqual([named(0, 10), named(0, 10), named(10, 14)]);
  expect(counts).toEqual({ sent: 14 });
});

test("a batch that is refused for good is given up, and the next one goes on", async () => {
  const { add, flush, answer, batches, counts } = start();
  add(513);
  const flushed = await flush();
  await answer("refused");
  await answer("taken");
  await flushed.done;
  expect(batches.map(({ length }) => length)).toEqual([512, 1]);
  expect(counts).toEqual({ failed: 512, sent: 1 });
});

test("spans are bounded by their number, those that are being sent included", async () => {
  const { add, flush, answer, batches, counts, waiting } = start({ maxWaiting: 600 });
  add(700);
  const flushed = await flush();
  add(5);
  expect([counts, waiting.at(-1)]).toEqual([{ dropped: 105 }, 600]);
  await answer("taken");
  add(1);
  await answer("taken");
  await answer("taken");
  await flushed.done;
  expect(batches.flat()).toEqual([...named(0, 600), "<705>"]);
});

test("one that cannot be written is not sent, and leaves the others and who ends it alone", async () => {
  const { tracer, add, flush, answer, batches, counts } = start();
  const end = () => tracer.startSpan("<x>", { attributes: { list: ["a"] } }).end();
  end();
  await (await flush()).done;
  expect(batches).toEqual([]);
  add(1);
  end();
  add(1);
  const flushed = await flush();
  await answer("taken");
  await flushed.done;
  expect(batches).toEqual([named(0, 2)]);
  expect(counts).toEqual({ failed: 2, sent: 2 });
});

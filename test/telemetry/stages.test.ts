import { type SlowStage, timedStages } from "../../src/telemetry/stages.js";

function watched<S extends object>(stages: S, slowUs = 5_000) {
  const clock = { us: 0 };
  const seen: [string, number][] = [];
  const slow: SlowStage[] = [];
  const observer = (stage: string) => (seconds: number) => void seen.push([stage, seconds]);
  return {
    clock,
    seen,
    on: { slow },
    stages: timedStages(stages, { monotonicMicros: () => clock.us, observer, slowUs }),
  };
}

test("a stage gets its arguments, gives its result, and is measured", async () => {
  const made = watched({
    sum: (a: number, b: number) => a + b,
    later: async (text: string) => {
      made.clock.us += 2_000;
      return `${text}!`;
    },
  });
  expect(made.stages.sum(made.on, 1, 2)).toBe(3);
  expect(await made.stages.later(made.on, "done")).toBe("done!");
  expect(made.seen).toEqual([
    ["sum", 0],
    ["later", 0.002],
  ]);
  expect(made.on.slow).toEqual([]);
});

test.each([
  [4_999, 0],
  [5_000, 1],
  [60_000_000, 1],
])("one that takes %d us is noted %d times as slow", async (took, times) => {
  const made = watched({
    wait: async () => {
      await Promise.resolve();
      made.clock.us += took;
    },
  });
  made.clock.us = 7;
  await made.stages.wait(made.on);
  expect(made.on.slow).toEqual(
    Array.from({ length: times }, () => ({ stage: "wait", startUs: 7, endUs: 7 + took, threw: false })),
  );
});

test("what throws is measured too, and throws the same", async () => {
  const failure = new Error("it broke");
  const made = watched(
    {
      now: () => {
        made.clock.us += 1;
        throw failure;
      },
      later: async () => {
        made.clock.us += 1;
        throw failure;
      },
    },
    0,
  );
  expect(() => made.stages.now(made.on)).toThrow(failure);
  await expect(made.stages.later(made.on)).rejects.toBe(failure);
  expect(made.seen).toHaveLength(2);
  expect(made.on.slow.map(({ stage, threw }) => [stage, threw])).toEqual([
    ["now", true],
    ["later", true],
  ]);
});

test("a stage is measured from its own beginning, not from the end of the one before it", async () => {
  const made = watched({ first: () => tick(5), second: async () => tick(3), third: () => tick(1) }, 0);
  const tick = (us: number) => {
    made.clock.us += us;
  };
  tick(10);
  made.stages.first(made.on);
  tick(100);
  const second = made.stages.second(made.on);
  tick(2);
  await second;
  tick(100);
  made.stages.third(made.on);
  expect(made.on.slow.map(({ stage, startUs, endUs }) => [stage, startUs, endUs])).toEqual([
    ["first", 10, 15],
    ["second", 115, 120],
    ["third", 220, 221],
  ]);
});

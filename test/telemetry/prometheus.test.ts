import fc from "fast-check";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { Counts, level } from "../../src/telemetry/counts.js";
import { Durations } from "../../src/telemetry/durations.js";

const help = "Something that is counted.";
const value = fc.oneof(fc.constantFrom("allow", "deny", "__proto__", "constructor", 'a "b"\\\n', ""), fc.string());
const seconds = fc.oneof(
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.constantFrom(0, -0, 0.001, 0.0025, 1, 1.0000001, -1, 5e-324),
);

/** What both say at once, and after each scrape, text and JSON. */
async function expectSame(ours: Registry, theirs: Registry): Promise<void> {
  expect(await ours.metrics()).toBe(await theirs.metrics());
  const jsonOf = async (registry: Registry) => JSON.parse(JSON.stringify(await registry.getMetricsAsJSON()));
  const [found, wanted] = [await jsonOf(ours), await jsonOf(theirs)];
  for (const { values } of wanted) for (const one of values) delete one.exemplar;
  expect(found).toEqual(wanted);
}

test("counts are told as by a counter of prom-client, however often somebody looks", async () => {
  const step = fc.record({ labels: fc.tuple(value, value, value), count: fc.nat(5), looks: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const counts = new Counts({ name: "n_total", help, registers: [ours] }, "a", "b", "c");
      const counter = new Counter({ name: "n_total", help, labelNames: ["a", "b", "c"], registers: [theirs] });
      for (const { labels, count, looks } of steps) {
        const [a, b, c] = labels;
        counts.add(labels, count);
        counter.inc({ a, b, c }, count);
        if (looks) await expectSame(ours, theirs);
      }
      await expectSame(ours, theirs);
    }),
    { numRuns: 50 },
  );
});

test.each([["stage"], [null]])(
  "durations are told as by a histogram of prom-client, with the label %s",
  async (label) => {
    const buckets = [0.001, 0.0025, 0.01, 1];
    const step = fc.record({ of: value, seconds, looks: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const [ours, theirs] = [new Registry(), new Registry()];
        const durations = new Durations({ name: "t_seconds", help, registers: [ours] }, buckets, label);
        const labelNames = label === null ? [] : [label];
        const histogram = new Histogram({ name: "t_seconds", help, buckets, labelNames, registers: [theirs] });
        await expectSame(ours, theirs);
        for (const { of, seconds, looks } of steps) {
          durations.of(label === null ? "" : of).observe(seconds);
          if (label === null) histogram.observe(seconds);
          else histogram.observe({ [label]: of }, seconds);
          if (looks) await expectSame(ours, theirs);
        }
        await expectSame(ours, theirs);
      }),
      { numRuns: 50 },
    );
  },
);

test("a series that nothing was counted in is not told, and the first one counted in is first", async () => {
  const registry = new Registry();
  const durations = new Durations({ name: "t_seconds", help, registers: [registry] }, [1], "stage");
  const [early, late] = [durations.of("early"), durations.of("late")];
  expect(await registry.metrics()).not.toContain("stage=");
  late.observe(2);
  early.observe(1);
  const text = await registry.metrics();
  expect([...text.matchAll(/_count\{stage="(\w+)"\} (\d)/g)].map(([, stage, count]) => [stage, count])).toEqual([
    ["late", "1"],
    ["early", "1"],
  ]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("%d is no duration", (seconds) => {
  const durations = new Durations({ name: "t_seconds", help, registers: [new Registry()] }, [1]);
  expect(() => durations.of("").observe(seconds)).toThrow(TypeError);
});

test("a level is the last one that was set, and zero before", async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const set = level({ name: "waiting", help, registers: [ours] });
  const gauge = new Gauge({ name: "waiting", help, registers: [theirs] });
  await expectSame(ours, theirs);
  for (const value of [3, 1]) {
    set(value);
    gauge.set(value);
  }
  await expectSame(ours, theirs);
});

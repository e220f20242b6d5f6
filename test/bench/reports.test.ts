import { chainRatios, chainRows } from "../../bench/envoy/report.js";
import type { ChainFigure } from "../../bench/envoy/run.js";
import type { Figure } from "../../bench/grpc/measure.js";
import { closedRows, openRows, ratios } from "../../bench/grpc/report.js";
import type { Found } from "../../bench/grpc/run.js";
import { parseFortio } from "../../bench/harness/fortio.js";
import { parseGhz, percentile } from "../../bench/harness/ghz.js";

const ms = 1e6;

test("ghz's report is read from all of its calls", () => {
  const details = Array.from({ length: 1_000 }, (_, n) => ({ latency: (n + 1) * ms, status: "OK", error: "" }));
  const late = { latency: 9_999 * ms, status: "DeadlineExceeded", error: "late" };
  const report = {
    count: 1_001,
    rps: 1234.5,
    statusCodeDistribution: { OK: 1_000 },
    details: [late, ...details.reverse()],
  };
  expect(parseGhz([JSON.stringify(report)])).toEqual({
    ...{ calls: 1_001, perSecond: 1234.5, failed: 1 },
    ...{ p50: 500, p99: 990, p999: 999 },
  });
  expect(() => parseGhz(['{"count": 3}'])).toThrow();
  expect(percentile([], 0.5)).toBeNaN();
  expect(percentile([4], 0.001)).toBe(4);
});

test("fortio's report is read in milliseconds, and other answers than 200 have failed", () => {
  const percentiles = [50, 99, 99.9].map((Percentile, n) => ({ Percentile, Value: 0.001 * (n + 1) }));
  const report = (RetCodes: object) => ({
    ...{ ActualQPS: 2000, RetCodes },
    DurationHistogram: { Count: 10, Percentiles: percentiles },
  });
  const found = parseFortio(JSON.stringify(report({ 200: 7, 403: 2, "-1": 1 })));
  expect(found).toMatchObject({ calls: 10, perSecond: 2000, p50: 1, p99: 2, failed: 3 });
  expect(found.p999).toBeCloseTo(3);
  expect(parseFortio(JSON.stringify(report({}))).failed).toBe(10);
});

const load = { calls: 10, perSecond: 100, p50: 1, p99: 5, p999: 9, failed: 0 };
const figure = (cpuUs: number, more: Partial<Figure> = {}): Figure => ({
  ...{ ...load, cpuUs, redisCpuUs: 0, residentBytes: 50 << 20, redisResidentBytes: 0 },
  ...more,
});
const found = (key: string, closed: Figure[], open: Figure[] = closed): Found => ({
  ...{ key, name: `contender ${key}`, closed, reloads: [] },
  open: [{ level: 0.5, offered: 1000, figures: open }],
});

test("contenders are held against the peer, Redis in a row of its own", () => {
  const c = [figure(50, { redisCpuUs: 10, p99: 4 }), figure(60, { redisCpuUs: 10, p99: 4 })];
  const all = [found("a", [figure(20), figure(40)]), found("c", c), found("d", [figure(100), figure(200)])];
  const made = Object.fromEntries(ratios(all).map(({ name, spread }) => [name, spread]));
  expect(made["c/d CPU a call"]).toEqual({ median: 0.4, min: 0.3, max: 0.5 });
  expect(made["c/d CPU a call, with Redis"]).toEqual({ median: 0.475, min: 0.35, max: 0.6 });
  expect(made["c/d p99 at 0.5 of saturation"]?.median).toBeCloseTo(0.8);
  expect(made["a/d CPU a call"]?.median).toBeCloseTo(0.2);
  expect(made).not.toHaveProperty("a/d CPU a call, with Redis");
  expect(Object.keys(made).some((name) => name.startsWith("d/"))).toBe(false);
  expect(closedRows(all)).toHaveLength(4);
  expect(openRows(all)).toHaveLength(4);
});

test("without the peer they are held against the floor", () => {
  const made = ratios([found("a", [figure(20)]), found("b", [figure(60)])]);
  expect(made.map(({ name, spread }) => [name, spread.median])).toEqual([
    ["b/a CPU a call", 3],
    ["b/a p99 at 0.5 of saturation", 1],
    ["b/a CPU a call at 0.5 of saturation", 3],
  ]);
});

test("who has no turn at an offered load has no row there, and nobody is held against it", () => {
  const calm = { ...found("d2", [figure(200)]), open: [] };
  const all = [found("c", [figure(100)]), { ...found("c2", [figure(150)]), open: [] }, found("d", [figure(100)]), calm];
  expect(openRows([calm, ...all]).map(([name]) => name)).toEqual(openRows(all).map(([name]) => name));
  expect(openRows(all).map(([name]) => name)).toEqual(["open loop", "(c) contender c", "(d) contender d"]);
  expect(closedRows(all)).toHaveLength(5);
  expect(ratios(all).map(({ name }) => name)).toEqual([
    "c/d CPU a call",
    "c/d p99 at 0.5 of saturation",
    "c/d CPU a call at 0.5 of saturation",
    "c2/d CPU a call",
    "c/d2 CPU a call",
    "c2/d2 CPU a call",
  ]);
});

test("what a chain adds is what it takes beyond Envoy alone of the same round", () => {
  const chain = (key: string, ...cpu: [envoy: number, helpers: number, redis: number][]) => ({
    key,
    name: key,
    figures: cpu.map(
      ([envoyCpuUs, helpersCpuUs, redisCpuUs]): ChainFigure => ({
        ...{ ...load, envoyCpuUs, helpersCpuUs, redisCpuUs, residentBytes: 1 << 20 },
      }),
    ),
  });
  const all = [
    chain("alone", [50, 0, 0], [100, 0, 0]),
    chain("ours", [100, 140, 10], [150, 140, 10]),
    chain("e", [150, 250, 50], [200, 450, 50]),
  ];
  expect(chainRows(all).map((row) => row[2])).toEqual(["added", "0", "200", "500 (400..600)"]);
  const made = Object.fromEntries(
    chainRatios(all.concat(chain("ours+outcomes", [99, 99, 9]), chain("floor", [1, 1, 1]))).map((r) => [
      r.name,
      r.spread,
    ]),
  );
  expect(made["ours/e CPU added to Envoy alone"]).toEqual({ median: (0.5 + 1 / 3) / 2, min: 1 / 3, max: 0.5 });
  expect(made["ours/e p99"]?.median).toBe(1);
  expect(Object.keys(made).some((name) => name.includes("e-cached"))).toBe(false);
});

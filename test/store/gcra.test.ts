import fc from "fast-check";
import { gcra } from "../../src/store/gcra.js";

const start = 1_900_000_000_000_000;
const rates = fc.record({ intervalUs: fc.integer({ min: 1, max: 1000 }), burst: fc.integer({ min: 1, max: 20 }) });
const gaps = fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 200 });

test("never charged: a whole burst, then one per interval", () => {
  const rate = { intervalUs: 200_000, burst: 2 };
  expect(gcra(start, null, rate)).toEqual({ conforms: true, tatUs: start + 200_000 });
  expect(gcra(start, start + 200_000, rate)).toEqual({ conforms: true, tatUs: start + 400_000 });
  expect(gcra(start, start + 400_000, rate)).toEqual({ conforms: false, retryAfterUs: 200_000 });
  expect(gcra(start + 199_999, start + 400_000, rate)).toEqual({ conforms: false, retryAfterUs: 1 });
  expect(gcra(start + 200_000, start + 400_000, rate)).toEqual({ conforms: true, tatUs: start + 600_000 });
});

test("a state that is not of this rate lets one call through, and ends with it", () => {
  const rate = { intervalUs: 1000, burst: 3 };
  for (const tat of [start + 4_001, start * 2, 2 ** 53 - 1]) {
    expect(gcra(start, tat, rate)).toEqual({ conforms: true, tatUs: start + 3_000 });
  }
  expect(gcra(start, start + 3_000, rate)).toEqual({ conforms: false, retryAfterUs: 1_000 });
});

test("a clock that goes back by up to an interval lets nothing more through", () => {
  const rate = { intervalUs: 1000, burst: 3 };
  for (const back of [1, 500, 1000]) {
    expect(gcra(start - back, start + 3_000, rate)).toEqual({ conforms: false, retryAfterUs: 1_000 + back });
  }
  expect(gcra(start - 1001, start + 3_000, rate)).toEqual({ conforms: true, tatUs: start - 1001 + 3_000 });
});

test("the largest rate is exact", () => {
  const rate = { intervalUs: 2 ** 52, burst: 1 };
  expect(gcra(start, null, rate)).toEqual({ conforms: true, tatUs: start + 2 ** 52 });
  expect(gcra(start + 1, start + 2 ** 52, rate)).toEqual({ conforms: false, retryAfterUs: 2 ** 52 - 1 });
});

test("it lets through what a token bucket of that size and rate does", () => {
  fc.assert(
    fc.property(rates, gaps, (rate, waits) => {
      let now = start;
      let tat: number | null = null;
      // In units of 1/intervalUs token, so that it stays an integer.
      let tokens = rate.burst * rate.intervalUs;
      for (const wait of waits) {
        now += wait;
        tokens = Math.min(tokens + wait, rate.burst * rate.intervalUs);
        const decision = gcra(now, tat, rate);
        expect(decision.conforms).toBe(tokens >= rate.intervalUs);
        if (decision.conforms) {
          tat = decision.tatUs;
          tokens -= rate.intervalUs;
        } else {
          expect(decision.retryAfterUs).toBe(rate.intervalUs - tokens);
        }
      }
    }),
    { interruptAfterTimeLimit: 5000 },
  );
});

test("no window holds more than the burst and what came back in it", () => {
  fc.assert(
    fc.property(rates, gaps, (rate, waits) => {
      let now = start;
      let tat: number | null = null;
      const passed: number[] = [];
      for (const wait of waits) {
        now += wait;
        const decision = gcra(now, tat, rate);
        if (!decision.conforms) continue;
        tat = decision.tatUs;
        passed.push(now);
      }
      for (const [first, from] of passed.entries()) {
        for (const [extra, to] of passed.slice(first).entries()) {
          expect(extra + 1).toBeLessThanOrEqual(rate.burst + Math.floor((to - from) / rate.intervalUs));
        }
      }
    }),
    { numRuns: 30, interruptAfterTimeLimit: 5000 },
  );
});

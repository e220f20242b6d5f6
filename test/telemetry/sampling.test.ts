import { randomBytes } from "node:crypto";
import { isKept } from "../../src/telemetry/sampling.js";
import { letsThrough, verdicts } from "../../src/verdict.js";

const passing = { computed: "allow", enforced: "allow", fault: false } as const;
const trace = () => randomBytes(16).toString("hex");

test.each([0.01, 0.25, 0.9])("of passing calls a share of %d is kept", (share) => {
  const count = 20_000;
  const kept = Array.from({ length: count }, trace).filter((traceId) => isKept({ ...passing, traceId }, share)).length;
  // Six standard deviations: one run in 500 million fails by chance.
  const deviation = Math.sqrt(count * share * (1 - share));
  expect(Math.abs(kept - count * share)).toBeLessThan(6 * deviation);
});

test("what is kept of a small share is kept of a larger one, so that processes agree", () => {
  for (let i = 0; i < 2_000; i++) {
    const traceId = trace();
    if (isKept({ ...passing, traceId }, 0.1)) expect(isKept({ ...passing, traceId }, 0.2)).toBe(true);
  }
});

test("none and all", () => {
  for (const end of ["0".repeat(32), "f".repeat(32), `${"f".repeat(19)}${"0".repeat(13)}`]) {
    expect(isKept({ ...passing, traceId: end }, 1)).toBe(true);
    expect(isKept({ ...passing, traceId: end }, 0)).toBe(false);
  }
});

test("what was stopped, would have been, or failed is always kept", () => {
  for (const computed of verdicts) {
    for (const enforced of verdicts) {
      const passes = letsThrough(computed) && letsThrough(enforced);
      expect(isKept({ traceId: trace(), computed, enforced, fault: false }, 0)).toBe(!passes);
      expect(isKept({ traceId: trace(), computed, enforced, fault: true }, 0)).toBe(true);
    }
  }
});

import { jest } from "@jest/globals";

// Named imports are bound when a module is loaded, so the spy has to be there before.
const real = await import("node:crypto");
const filled = jest.fn(real.randomFillSync as (bytes: Buffer) => Buffer);
jest.unstable_mockModule("node:crypto", () => ({ ...real, randomFillSync: filled }));
const { randomInteger } = await import("../../src/random.js");
const { systemRuntime } = await import("../../src/runtime.js");

test("a thousand ids, and numbers of other sizes, take few calls of the system's random source", () => {
  const ids = new Set(Array.from({ length: 1_000 }, systemRuntime.id));
  const numbers = Array.from({ length: 1_000 }, () => randomInteger(6));
  expect(ids.size).toBe(1_000);
  expect(new Set(numbers).size).toBe(1_000);
  // Of 8,192 bytes each: at most 10,000 for the ids, and 6,000 for the numbers.
  expect(filled.mock.calls.length).toBeGreaterThan(0);
  expect(filled.mock.calls.length).toBeLessThanOrEqual(3);
});

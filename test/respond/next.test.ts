import { type ErrorName, errors, reasonTable } from "../../src/reasons.js";
import { nextStep, reasonsWithNext } from "../../src/respond/next.js";

const refusals = reasonTable().filter(({ error }) => error !== "");

test.each(refusals)("$reason says what to do next", ({ reason, error }) => {
  const next = nextStep({ reason: reason as never }, error as ErrorName);
  expect(next.length).toBeGreaterThan(30);
  // It is the same for everybody: nothing of a call, an agent or a policy is in it.
  expect(next).not.toMatch(/undefined|\$\{/);
});

test("every reason with a sentence of its own exists, and each error has one", () => {
  const known = refusals.map(({ reason }) => reason);
  expect(reasonsWithNext.filter((reason) => !known.includes(reason))).toEqual([]);
  const said = Object.keys(errors).map((error) => nextStep({ reason: "cost" }, error as ErrorName));
  expect(new Set(said).size).toBe(said.length);
});

test("a reason that is named after what a user wrote is no property of every object", () => {
  expect(nextStep({ reason: "max_constructor" }, "PolicyViolation")).toContain("violations");
  expect(nextStep({ reason: "constructor" as never }, "PolicyViolation")).toContain("violations");
});

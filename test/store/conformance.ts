import { approvalsConformance } from "./conformance_approvals.js";
import { countingConformance } from "./conformance_counting.js";
import { limitsConformance } from "./conformance_limits.js";
import { modelConformance } from "./conformance_model.js";
import { pendingConformance } from "./conformance_pending.js";
import { questionsConformance } from "./conformance_questions.js";
import { sessionsConformance } from "./conformance_sessions.js";
import { warningsConformance } from "./conformance_warnings.js";
import type { Subject } from "./subject.js";

/** Everything a store has to do, whichever one it is. `runs` sizes the random comparison. */
export function conformance(open: () => Promise<Subject & { end(): Promise<void> }>, runs: number): void {
  let subject: Subject & { end(): Promise<void> };
  beforeAll(async () => {
    subject = await open();
  });
  afterAll(() => subject.end());

  describe("limits", () => limitsConformance(() => subject));
  describe("random limits", () => modelConformance(() => subject, runs));
  describe("counting", () => countingConformance(() => subject));
  describe("warnings", () => warningsConformance(() => subject, Math.ceil(runs / 5)));
  describe("approvals", () => approvalsConformance(() => subject));
  describe("pending approvals", () => pendingConformance(() => subject));
  describe("questions to people", () => questionsConformance(() => subject));
  describe("sessions", () => sessionsConformance(() => subject, Math.ceil(runs / 5)));
  test("ping resolves", async () => expect(await subject.store.ping()).toBeUndefined());
}

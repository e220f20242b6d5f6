import type { OutcomeRecord } from "../../src/audit/record.js";
import { deployed } from "../../src/evidence/deployed.js";
import { forms, type Story } from "../../src/evidence/story.js";
import { decisionDraft } from "../audit/samples.js";

const decision = decisionDraft({});
const place = { writer: "w", seq: 1, kind: "decision", decision_id: null, timestamp: "", sha256: "" } as const;

function story(...ends: Pick<OutcomeRecord, "outcome" | "status">[]): Story {
  const outcomes = ends.map((end, i) => ({
    record: forms.outcome.parse({ ...end, kind: "outcome", timestamp: `${i}`, decision_id: decision.decision_id }),
    place: { ...place, seq: i + 2 },
  }));
  const deeds = [{ record: forms.decision.parse(decision), place }];
  return { deploymentId: "d-1", deeds, outcomes, answers: [], policies: [], troubles: [] };
}

const failed = { outcome: "failed", status: 500 } as const;
const succeeded = { outcome: "succeeded", status: 200 } as const;

test("an end that was told twice alike is one", () => {
  expect(deployed(story(succeeded, succeeded)).status).toBe("yes");
  expect(deployed(story(failed, failed)).status).toBe("no");
});

test.each([
  ["before", [succeeded, failed]],
  ["after", [failed, succeeded]],
] as const)("a good end that somebody told %s a bad one proves nothing, and both records are named", (_when, ends) => {
  const { status, answer, records } = deployed(story(...ends));
  expect(status).toBe("unknown");
  expect(answer).toContain("contradict");
  expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

import type { Json } from "../../call.js";
import { durationText } from "../../duration.js";
import { costsOf } from "../../evaluate/cost.js";
import type { Judgement } from "../../evaluate/judge.js";
import type { ApprovalTerms } from "../../outcome.js";
import type { Sanitize } from "../../verdict.js";
import type { Want } from "./schema.js";

/** What the policies said, in the form in which cases want it. */
export type Outcome = { [K in keyof Want]-?: NonNullable<Want[K]> };

const micro = 1_000_000;

/** Puts a judgement into the form of `want`. */
export function outcomeOf({ input, computed, enforced, tags, costs }: Judgement): Outcome {
  return {
    decision: computed.verdict,
    enforced: enforced.verdict,
    reason: computed.reason,
    violations: computed.violations.map((violation) => ({ ...violation })),
    sanitize: changesAtOnce(computed.sanitize),
    tags: [...tags],
    cost: costsOf(costs, input.params as Record<string, Json>, 0).enforced / micro,
    terms: termsOf(computed.terms),
  };
}

/** All changes together, as the tool sees them: what is removed is not set. */
function changesAtOnce(changes: readonly Sanitize[]): Outcome["sanitize"] {
  const together = (place: "headers" | "query") => {
    const remove = [...new Set(changes.flatMap((change) => change[place].remove))].sort();
    const set = Object.entries(
      Object.assign({}, ...changes.map((change) => change[place].set)) as Record<string, string>,
    );
    return { set: Object.fromEntries(set.filter(([name]) => !remove.includes(name))), remove };
  };
  return { headers: together("headers"), query: together("query") };
}

function termsOf({ approvers, quorum, expiresInMs, holdMs, escalation }: ApprovalTerms): Outcome["terms"] {
  const lists = (all: ApprovalTerms["approvers"]): string[][] => all.map((groups) => [...groups]);
  return {
    approvers: lists(approvers),
    quorum,
    ...(expiresInMs !== undefined && { expires_in: durationText(expiresInMs) }),
    ...(holdMs !== undefined && { hold: durationText(holdMs) }),
    ...(escalation && {
      escalate: {
        after: durationText(escalation.afterMs),
        to: [...escalation.to],
        approvers: lists(escalation.approvers),
      },
    }),
  };
}

import type { Json } from "../call.js";
import { type Answer, counted, listed, placesOf, type Status } from "./answer.js";
import { type Cited, type Deed, distinct, isAgainst, passed, type Story, stopped } from "./story.js";

/** Was it within policy? What policies said of the calls that were let through, and of those before them. */
export function withinPolicy(story: Story): Answer {
  const through = passed(story);
  const refused = stopped(story);
  const against = through.filter(({ record }) => isAgainst(record));
  const versions = distinct(story.deeds.map(({ record }) => record.opa_decision?.policy_version));
  const status = statusOf(through, against);
  return {
    question: "within_policy",
    status,
    answer: sentence(status, { through, against, refused, story }),
    facts: {
      verdicts: through.map(({ record }) => verdictOf(record)) as unknown as Json,
      refused: refused.map(({ record }) => verdictOf(record)) as unknown as Json,
      policy_versions: versions.map((version) => ({ policy_version: version, loaded_at: loadedAt(story, version) })),
    },
    records: placesOf(story.deeds, story.policies),
  };
}

/** Without an evaluation on record nobody can tell what policies would have said. */
function statusOf(through: readonly Cited<Deed>[], against: readonly unknown[]): Status {
  if (against.length === through.length) return "no";
  if (against.length > 0) return "partly";
  return through.every(({ record }) => record.opa_decision !== null) ? "yes" : "unknown";
}

function sentence(
  status: Status,
  found: { through: Cited<Deed>[]; against: Cited<Deed>[]; refused: Cited<Deed>[]; story: Story },
): string {
  const { through, against, refused } = found;
  const shadow = found.story.deeds.filter(({ record }) => record.mode === "shadow" && isAgainst(record)).length;
  const before = [
    ...(refused.length > 0 ? [`${counted(refused.length, "call")} of it were stopped (${reasonsOf(refused)})`] : []),
    ...(shadow > 0 ? [`${counted(shadow, "call")} would have been stopped but for shadow mode`] : []),
  ];
  const beside = before.length > 0 ? `; ${before.join(", and ")}` : "";
  if (through.length === 0) return `No call was let through: policies said ${reasonsOf(refused)}.`;
  if (status === "no")
    return `No: ${counted(against.length, "call")} went through against policy (${reasonsOf(against)})${beside}.`;
  if (status === "partly") {
    const last = isAgainst(through.at(-1)?.record) ? "was against it too" : "was allowed";
    return `Partly: ${counted(against.length, "call")} went through against policy (${reasonsOf(against)}), the last one ${last}${beside}.`;
  }
  if (status === "unknown") return `A call was let through without an evaluation on record${beside}.`;
  return `Yes: every call that was let through was allowed by the policies then in force${beside}.`;
}

function reasonsOf(deeds: readonly Cited<Deed>[]): string {
  return listed(distinct(deeds.map(({ record }) => record.reason)), "nothing");
}

function verdictOf({ decision_id, timestamp, decision, enforced, mode, reason, violations, opa_decision }: Deed) {
  const version = opa_decision?.policy_version ?? null;
  return {
    decision_id,
    timestamp,
    decision,
    enforced,
    mode,
    reason,
    violations: violations ?? null,
    policy_version: version,
  };
}

/** When the version began to serve for the last time before it judged this deployment; `null` when no record says. */
function loadedAt({ policies, deeds }: Story, version: string): string | null {
  const judged = deeds.filter(({ record }) => record.opa_decision?.policy_version === version);
  const last = judged.at(-1)?.record.timestamp ?? "";
  const loads = policies.filter(
    ({ record }) => record.policy_version === version && record.event !== "refused" && record.timestamp <= last,
  );
  return loads.at(-1)?.record.timestamp ?? null;
}

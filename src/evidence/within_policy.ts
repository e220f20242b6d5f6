import type { Json } from "../call.js";
import { type Answer, counted, listed, placesOf, type Status, were } from "./answer.js";
import { callsIn, callText, lastOf, reasonsOf, unenforced } from "./call_text.js";
import { allowed, type Cited, type Deed, distinct, passed, passedAgainst, type Story, stopped } from "./story.js";

/** Was it within policy? What policies said of the calls that were let through, and of those before them. */
export function withinPolicy(story: Story): Answer {
  const refused = stopped(story);
  const versions = distinct(story.deeds.map(({ record }) => record.opa_decision?.policy_version));
  return {
    question: "within_policy",
    status: statusOf(story),
    answer: sentence(story, refused),
    facts: {
      verdicts: passed(story).map(({ record }) => verdictOf(record)) as unknown as Json,
      refused: refused.map(({ record }) => verdictOf(record)) as unknown as Json,
      policy_versions: versions.map((version) => ({ policy_version: version, loaded_at: loadedAt(story, version) })),
    },
    records: placesOf(story.deeds, story.policies),
  };
}

/** Without an evaluation on record nobody can tell what policies would have said. */
function statusOf(story: Story): Status {
  const good = allowed(story);
  if (good.length === 0) return "no";
  if (good.some(isUnjudged)) return "unknown";
  return passedAgainst(story).length > 0 ? "partly" : "yes";
}

function isUnjudged({ record }: Cited<Deed>): boolean {
  return record.opa_decision === null;
}

function sentence(story: Story, refused: readonly Cited<Deed>[]): string {
  const [good, against] = [allowed(story), passedAgainst(story)];
  const stops = callsIn(refused);
  const beside = stops === 0 ? "" : `; ${counted(stops, "call")} ${were(stops)} stopped (${reasonsOf(refused)})`;
  if (good.length + against.length === 0) return `No call was let through: policies said ${reasonsOf(refused)}.`;
  const how = `${counted(against.length, "call")} went through ${unenforced(against)} against policy`;
  const wrong = `${how} (${reasonsOf(against)}): ${textsOf(against)}`;
  if (good.length === 0) return `No: ${wrong}${beside}.`;
  const more = against.length === 0 ? beside : `; ${wrong}${beside}`;
  const unjudged = good.filter(isUnjudged);
  if (unjudged.length > 0) return `Nobody can tell of ${textsOf(unjudged)}: no evaluation is on record${more}.`;
  const by = distinct(good.flatMap(({ record }) => record.human_approval?.map(({ approver }) => approver) ?? []));
  const approved = by.length === 0 ? "" : `, with the approval of ${listed(by, "")}`;
  const right = `${textsOf(good)} ${were(good.length)} allowed by the policies then in force${approved}`;
  return `${against.length === 0 ? "Yes" : "Partly"}: ${right}${more}.`;
}

function textsOf(deeds: readonly Cited<Deed>[]): string {
  return lastOf(deeds.map(({ record }) => callText(record)));
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

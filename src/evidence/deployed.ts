import type { Json } from "../call.js";
import { type Answer, counted, placesOf, type Status } from "./answer.js";
import { callText, lastOf } from "./call_text.js";
import { type Deed, passed, type Story, stopped } from "./story.js";

/** What was deployed? The calls that were let through, with what became of them. */
export function deployed(story: Story): Answer {
  const through = passed(story);
  const ids = new Set(through.map(({ record }) => record.decision_id));
  const outcomes = story.outcomes.filter(({ record }) => ids.has(record.decision_id));
  const results = new Map(outcomes.map(({ record }) => [record.decision_id, record]));
  const ended = through.map(({ record: deed }): Ended => ({ deed, result: results.get(deed.decision_id) ?? null }));
  const doubted = outcomes.some(({ record }) => isOther(record, results.get(record.decision_id)));
  return {
    question: "deployed",
    status: doubted ? "unknown" : statusOf(ended),
    answer: doubted
      ? "Records contradict each other about how a call ended, so nobody can tell whether it took effect."
      : sentence(ended, story.deeds.at(-1)?.record),
    facts: {
      calls: ended.map(({ deed, result }) => ({
        ...described(deed),
        outcome: result?.outcome ?? null,
        upstream_status: result?.status ?? null,
        linked: result && isLinked(result),
      })) as unknown as Json,
      stopped: stopped(story).length,
    },
    records: placesOf(through.length > 0 ? through : story.deeds, outcomes),
  };
}

type Ending = Story["outcomes"][number]["record"];

/** A call that was let through, and how it ended, where that is on record. */
interface Ended {
  deed: Deed;
  result: Ending | null;
}

/** True when the process that took the decision recorded the end too; another one cannot tell whether it was invented. */
function isLinked({ deployment_id: id }: Ending): boolean {
  return id !== null;
}

/** Who may connect to `listen.grpc` can invent an end of a call, so one that differs from another is no evidence. */
function isOther(one: Ending, other: Ending | undefined): boolean {
  return one.outcome !== other?.outcome || one.status !== other.status;
}

function statusOf(ended: readonly Ended[]): Status {
  const succeeded = ended.filter(({ result }) => result?.outcome === "succeeded").length;
  if (succeeded > 0) return succeeded === ended.length ? "yes" : "partly";
  if (ended.length === 0) return "no";
  // A call that reached nobody may have done nothing, and one without an outcome may have done all.
  return ended.every(({ result }) => result?.outcome === "failed") ? "no" : "unknown";
}

function sentence(ended: readonly Ended[], last: Deed | undefined): string {
  if (!last) return "Nothing is recorded.";
  if (ended.length === 0) return `Nothing: no call was let through; the last one asked for ${callText(last)}.`;
  return `${counted(ended.length, "call")} let through: ${lastOf(ended.map(endingOf))}.`;
}

function endingOf({ deed, result }: Ended): string {
  const call = callText(deed);
  if (result === null) return `${call}, of which no outcome is on record, so nobody can tell whether it took effect`;
  const status = result.status === null ? "" : ` with status ${result.status}`;
  const ends = { succeeded: "succeeded", failed: "failed", unreached: "got no answer, so it may have taken effect" };
  return `${call} ${ends[result.outcome]}${status}`;
}

function described({ decision_id, timestamp, tool, action, environment, service, image_tag, opa_decision }: Deed) {
  const { params, images } = (opa_decision?.input ?? {}) as { params?: Json; images?: Json };
  return {
    decision_id,
    timestamp,
    tool,
    action,
    environment,
    service,
    image_tag,
    images: images ?? null,
    params: params ?? null,
  };
}

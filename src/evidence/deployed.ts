import type { Json } from "../call.js";
import { type Answer, counted, listed, placesOf, type Status } from "./answer.js";
import { type Deed, distinct, passed, type Story, stopped } from "./story.js";

/** What was deployed? The calls that were let through, with what became of them. */
export function deployed(story: Story): Answer {
  const through = passed(story);
  const ids = new Set(through.map(({ record }) => record.decision_id));
  const outcomes = story.outcomes.filter(({ record }) => ids.has(record.decision_id));
  const results = new Map(outcomes.map(({ record }) => [record.decision_id, record]));
  const calls = through.map(({ record }) => {
    const result = results.get(record.decision_id);
    return { ...described(record), outcome: result?.outcome ?? null, upstream_status: result?.status ?? null };
  });
  const told = distinct(calls.map((call) => call.outcome));
  const doubted = outcomes.some(({ record }) => isOther(record, results.get(record.decision_id)));
  const status = doubted ? "unknown" : statusOf(through.length, told, calls.length > results.size);
  const what = through.at(-1)?.record ?? story.deeds.at(-1)?.record;
  return {
    question: "deployed",
    status,
    answer: doubted
      ? "Records contradict each other about how a call ended, so nobody can tell whether it took effect."
      : sentence(what, through.length, status, results.get(what?.decision_id ?? "")?.status ?? null),
    facts: { calls: calls as unknown as Json, stopped: stopped(story).length },
    records: placesOf(through.length > 0 ? through : story.deeds, outcomes),
  };
}

type Ending = Story["outcomes"][number]["record"];

/** Who may connect to `listen.grpc` can invent an end of a call, so one that differs from another is no evidence. */
function isOther(one: Ending, other: Ending | undefined): boolean {
  return one.outcome !== other?.outcome || one.status !== other.status;
}

function statusOf(through: number, told: readonly string[], missing: boolean): Status {
  if (through === 0) return "no";
  if (told.includes("succeeded")) return "yes";
  // A call that reached nobody may have done nothing, and one without an outcome may have done all.
  return missing || told.includes("unreached") ? "unknown" : "no";
}

function sentence(what: Deed | undefined, through: number, status: Status, upstream: number | null): string {
  if (!what) return "Nothing is recorded.";
  const named = listed(
    [
      what.service === null ? null : `service ${what.service}`,
      what.image_tag === null ? null : `image ${what.image_tag}`,
      what.environment === null ? null : `environment ${what.environment}`,
    ].filter((word) => word !== null),
    "nothing further named",
  );
  const call = `${what.tool ?? "an unknown tool"}:${what.action ?? "an unknown action"} (${named})`;
  if (through === 0) return `Nothing: no call was let through; the last one asked for ${call}.`;
  const end = {
    yes: `succeeded${upstream === null ? "" : ` with status ${upstream}`}`,
    no: `failed${upstream === null ? "" : ` with status ${upstream}`}`,
    partly: "took effect in part",
    unknown: "has no outcome on record, so nobody can tell whether it took effect",
  };
  return `${counted(through, "call")} let through; ${call} ${end[status]}.`;
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

import { holdsMasked } from "../audit/masked.js";
import type { Json } from "../call.js";
import { type Answer, listed, placesOf, type Status } from "./answer.js";
import { type Deed, distinct, isStopped, type Story } from "./story.js";

/** Classifications that say by their name that data is not sensitive. Every other one counts as sensitive. */
export const harmless: ReadonlySet<string> = new Set(["config", "non-pii", "public"]);

interface Search {
  complete: boolean;
  hits: { detector: string }[];
}

/** Did it touch sensitive data? What the session had access to, and what detectors found in the calls. */
export function sensitive(story: Story): Answer {
  const { deeds, later } = story;
  const data = distinct(
    [...deeds, ...later].flatMap(({ record }) => record.session_attestation?.data_classification ?? []),
  ).sort();
  const searches = deeds.map(({ record }) => searchOf(record));
  const hits = distinct(searches.flatMap((search) => search?.hits.map(({ detector }) => detector) ?? []));
  const masked = deeds.filter(({ record }) => isMasked(record));
  const told = {
    data,
    telling: data.filter((name) => !harmless.has(name.toLowerCase())),
    hits,
    masked: masked.length,
    known: isKnown(story),
    searched: searches.length > 0 && searches.every((search) => search?.complete === true),
  };
  const status = statusOf(told);
  return {
    question: "sensitive",
    status,
    answer: sentence(status, told),
    facts: {
      data_classification: data,
      found_in_calls: hits,
      calls_with_masked_values: masked.map(({ record }) => record.decision_id),
      searched_by_detectors: told.searched,
    },
    records: placesOf(deeds, later),
  };
}

/** Every call says what its session had access to, and a later one what the calls that were let through added. */
function isKnown({ deeds, later }: Story): boolean {
  const told = (deed: Deed) => deed.session_attestation?.data_classification !== undefined;
  const followed = new Set(later.flatMap(({ record }) => (told(record) ? [record.session_id] : [])));
  return (
    deeds.length > 0 &&
    deeds.every(({ record }) => told(record) && (isStopped(record) || followed.has(record.session_id)))
  );
}

interface Told {
  data: string[];
  telling: string[];
  hits: string[];
  masked: number;
  known: boolean;
  searched: boolean;
}

function statusOf({ telling, hits, masked, known, searched }: Told): Status {
  if (telling.length > 0 || hits.length > 0 || masked > 0) return "yes";
  return known && searched ? "no" : "unknown";
}

function sentence(status: Status, { data, telling, hits, masked, known, searched }: Told): string {
  const had = known
    ? `the session had access to ${listed(data, "no classified data")}`
    : "what data the session had access to in the end is not on record";
  if (status === "no") return `No: ${had}, and detectors found nothing in the calls.`;
  if (status === "unknown")
    return `Nobody can tell: ${had}${searched ? "" : ", and no detector searched all of the calls"}.`;
  const why = [
    ...(telling.length > 0 ? [`the session had access to ${listed(telling, "")}`] : []),
    ...(hits.length > 0 ? [`detectors found ${listed(hits, "")} in its calls`] : []),
    ...(masked > 0 && hits.length === 0 ? ["values of its calls were masked"] : []),
  ];
  return `Yes: ${why.join(", and ")}.`;
}

/** What detectors found in a call; `null` when none were asked. */
function searchOf({ opa_decision }: Deed): Search | null {
  const { dlp } = (opa_decision?.input ?? {}) as { dlp?: Json };
  if (typeof dlp !== "object" || dlp === null || Array.isArray(dlp)) return null;
  const { complete, hits } = dlp;
  const names = (Array.isArray(hits) ? hits : []).map((hit) => {
    const { detector } = Object(hit) as { detector?: unknown };
    return { detector: typeof detector === "string" ? detector : "something" };
  });
  return { complete: complete === true, hits: names };
}

/** Values of parameters that were masked; headers hold the credential in every call. */
function isMasked({ opa_decision }: Deed): boolean {
  const { params } = (opa_decision?.input ?? {}) as { params?: Json };
  return holdsMasked(params);
}

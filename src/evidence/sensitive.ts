import { holdsMasked } from "../audit/masked.js";
import type { Json } from "../call.js";
import { type Answer, listed, placesOf, type Status } from "./answer.js";
import { type Cited, type Deed, distinct, isStopped, type Story } from "./story.js";

/** Classifications that say by their name that data is not sensitive. Every other one counts as sensitive. */
export const harmless: ReadonlySet<string> = new Set(["config", "non-pii", "public"]);

interface Search {
  complete: boolean;
  hits: { detector: string }[];
}

/** Did it touch sensitive data? What the calls are about, what the session had access to before, what detectors found. */
export function sensitive(story: Story): Answer {
  const { deeds } = story;
  const searches = deeds.map(({ record }) => searchOf(record));
  const masked = deeds.filter(({ record }) => isMasked(record));
  const own = distinct(deeds.flatMap(({ record }) => dataOf(record))).sort();
  const session = distinct(deeds.flatMap(({ record }) => record.session_attestation?.data_classification ?? [])).sort();
  const told: Told = {
    own,
    before: session.filter((name) => !own.includes(name)),
    hits: distinct(searches.flatMap((search) => search?.hits.map(({ detector }) => detector) ?? [])),
    masked: masked.length,
    doubts: doubtsOf(deeds, searches),
  };
  const status = statusOf(told);
  return {
    question: "sensitive",
    status,
    answer: sentence(status, told),
    facts: {
      data_classification: own,
      session_data_classification: session,
      found_in_calls: told.hits,
      calls_with_masked_values: masked.map(({ record }) => record.decision_id),
      searched_by_detectors: isSearched(searches),
    },
    records: placesOf(deeds),
  };
}

interface Told {
  /** Classifications of the data that the calls are about. */
  own: string[];
  /** Further ones that their sessions had had access to. */
  before: string[];
  hits: string[];
  masked: number;
  /** Why the records do not prove that there was none. */
  doubts: string[];
}

/** A call that was stopped gave access to nothing; what stood in it, the agent had. */
function dataOf(deed: Deed): string[] {
  const { tool = [], tags = [] } = deed.data_classification ?? {};
  return isStopped(deed) ? tags : [...tool, ...tags];
}

function doubtsOf(deeds: readonly Cited<Deed>[], searches: readonly (Search | null)[]): string[] {
  const some = (is: (deed: Deed) => boolean) => deeds.some(({ record }) => is(record));
  const doubts: [boolean, string][] = [
    [deeds.length === 0, "no call is on record"],
    [
      some((deed) => !isStopped(deed) && !deed.data_classification),
      "a record does not say what data its call is about",
    ],
    [
      some((deed) => !isStopped(deed) && deed.data_classification?.tool.length === 0),
      "a tool has no classification in the catalogue",
    ],
    [
      some((deed) => deed.session_attestation?.data_classification === undefined),
      "what data the session had access to before is not on record",
    ],
    [!isSearched(searches), "no detector searched all of the calls"],
  ];
  return doubts.flatMap(([holds, says]) => (holds ? [says] : []));
}

function isSearched(searches: readonly (Search | null)[]): boolean {
  return searches.length > 0 && searches.every((search) => search?.complete === true);
}

function statusOf({ own, before, hits, masked, doubts }: Told): Status {
  if ([...own, ...before].some(isTelling) || hits.length > 0 || masked > 0) return "yes";
  return doubts.length === 0 ? "no" : "unknown";
}

function isTelling(name: string): boolean {
  return !harmless.has(name.toLowerCase());
}

function sentence(status: Status, { own, before, hits, masked, doubts }: Told): string {
  if (status === "unknown") return `Nobody can tell: ${listed(doubts, "")}.`;
  if (status === "no") {
    const data = `its calls are about ${listed(own, "nothing, since none was let through")}`;
    return `No: ${data}, the session had access to ${listed(before, "nothing else")} before, and detectors found nothing.`;
  }
  const [telling, earlier] = [own.filter(isTelling), before.filter(isTelling)];
  const why = [
    ...(telling.length > 0 ? [`its calls are about ${listed(telling, "")}`] : []),
    ...(earlier.length > 0 ? [`the session had access to ${listed(earlier, "")} before`] : []),
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

import type { Json } from "../call.js";
import { isProxyHeader } from "../proxy_headers.js";
import { detectors, type Kind } from "./detectors.js";
import { createInspector, type Labelled, type PatternMatcher, type UserPattern } from "./findings.js";
import { createMemory, type Memory } from "./memory.js";
import { shortened, unsearched } from "./shortened.js";
import { labelOf } from "./span.js";
import { lengthOf, type Place, type Places, type Spot, spotsOf, textsAt } from "./spots.js";
import { headerValues, keyText, mapMembers, queryValues, textsOf } from "./texts.js";

export type { PatternMatcher, UserPattern } from "./findings.js";
export type { Place } from "./spots.js";

/** Most text that is searched in one call, all places together, in UTF-16 units. It bounds how long other calls wait. */
export const mostSearched = 262_144;
/** Most texts that are searched in one call, names included, since each costs time, however short it is. */
export const mostTexts = 5_000;
/** Longest text that is searched for the record of a call that was not, in UTF-16 units. */
const longestText = 16_384;

/** Something that a detector found. There is one per detector, place and name. */
export interface Hit {
  /** A row of the detector table, or the name of a user's pattern. */
  detector: string;
  in: Place;
  /** Of the top-level parameter, header, query parameter or member. What `data` detectors find in a name is masked in it. */
  name: string;
  /** Only headers and query parameters, and of those not what belongs to the proxy, nor where the name itself holds something. */
  redactable: boolean;
}

export interface ScanRequest extends Places {
  /** Top-level parameters that came whole from the query. What is found there as well is a hit there only. */
  fromQuery: ReadonlySet<string>;
  /** Names of built-in detectors to run. */
  detectors: readonly string[];
  patterns: readonly UserPattern[];
}

export interface Scanned {
  /** False when the call holds more text, or more texts, than are searched: nothing was, and no hits say nothing. */
  complete: boolean;
  /** By detector, place and name. */
  hits: readonly Hit[];
  /**
   * The value of a header or query parameter with what these detectors found replaced by `[<detector>]`, as a whole where
   * that is not enough. `null` when there is no such header or parameter.
   */
  redacted(place: "headers" | "query", name: string, detectors: ReadonlySet<string>): string | null;
  /**
   * A copy of names and values for the record, in which everything that `data` detectors and patterns find is replaced. After
   * a search that is not complete short texts are searched for it, and the others are `[unsearched]`; see `shortened`.
   */
  masked(members: Readonly<Record<string, Json>>): Record<string, Json>;
  /** The same of one text under no name. After a search that is not complete, of up to 16,384 characters. */
  maskedText(text: string): string;
}

/** Looks through a call. Throws for a detector that there is not, and when the matcher does not answer for every text. */
export function scan(request: ScanRequest, match: PatternMatcher): Scanned {
  const ofData = createInspector(namesOf(request, "data"), request.patterns, match);
  const ofPayload = createInspector(namesOf(request, "payload"), [], () => []);
  const values = { headers: headerValues(request.headers), query: queryValues(request.query) };
  const spots = spotsOf(request);
  const texts = spots.flatMap(textsAt);
  if (texts.length > mostTexts || lengthOf(texts) > mostSearched) {
    const single = createMemory(ofData, []);
    return {
      complete: false,
      hits: [],
      redacted: (place, name) => (values[place].has(name) ? unsearched : null),
      masked(members) {
        const short = shortened(members);
        const data = createMemory(ofData, textsOf(short, ""));
        return mapMembers(short, (text) => (text.text === unsearched ? unsearched : data.redact(text)));
      },
      maskedText: (text) => (text.length > longestText ? unsearched : single.redact(keyText(text))),
    };
  }
  const data = createMemory(ofData, texts);
  const inParams = spots.filter((spot) => spot.in === "params");
  const payload = createMemory(
    ofPayload,
    inParams.flatMap((spot) => spot.values),
  );
  return {
    complete: true,
    hits: inOrder([...dataHits(spots, request.fromQuery, data), ...payloadHits(inParams, payload)]),
    redacted(place, name, detectors) {
      const text = values[place].get(name);
      return text === undefined ? null : data.redact({ text, label: labelOf(name) }, detectors);
    },
    masked: (members) => mapMembers(members, (text) => data.redact(text)),
    maskedText: (text) => data.redact(keyText(text)),
  };
}

/** Unknown names are of both kinds, so that they do not go unseen. */
function namesOf(request: ScanRequest, kind: Kind): string[] {
  return request.detectors.filter((name) => (detectors.get(name)?.kind ?? kind) === kind);
}

function dataHits(spots: readonly Spot[], fromQuery: ReadonlySet<string>, data: Memory): Hit[] {
  const keyOf = (detector: string, { text }: Labelled): string => `${detector} ${text}`;
  const foundIn = (text: Labelled): string[] => [...data.found(text).keys()];
  const texts = spots.filter((spot) => spot.in === "query").flatMap(textsAt);
  const inQuery = new Set(texts.flatMap((text) => foundIn(text).map((detector) => keyOf(detector, text))));
  // A parameter may have a name that says more than the one in the query, and then it is a hit of its own.
  const isCovered = (spot: Spot, detector: string, text: Labelled): boolean =>
    spot.in === "params" && fromQuery.has(spot.name) && inQuery.has(keyOf(detector, text));

  return spots.flatMap((spot) => {
    const found = new Set<string>();
    for (const text of textsAt(spot)) {
      for (const detector of foundIn(text)) if (!isCovered(spot, detector, text)) found.add(detector);
    }
    if (found.size === 0) return [];
    const name = data.redact(keyText(spot.name));
    const changes = spot.in === "query" || (spot.in === "headers" && !isProxyHeader(spot.name));
    const redactable = changes && name === spot.name;
    return [...found].map((detector) => ({ detector, in: spot.in, name, redactable }));
  });
}

function payloadHits(spots: readonly Spot[], payload: Memory): Hit[] {
  return spots.flatMap(({ name, values }) => {
    const found = new Set(values.flatMap((text) => [...payload.found(text).keys()]));
    return [...found].map((detector) => ({ detector, in: "params" as const, name, redactable: false }));
  });
}

/** One hit each, redactable only when all of it is. */
function inOrder(hits: readonly Hit[]): Hit[] {
  const merged = new Map<string, Hit>();
  for (const hit of hits) {
    const key = JSON.stringify([hit.detector, hit.in, hit.name]);
    const redactable = hit.redactable && (merged.get(key)?.redactable ?? true);
    merged.set(key, { ...hit, redactable });
  }
  const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
  return [...merged.values()].sort(
    (a, b) => compare(a.detector, b.detector) || compare(a.in, b.in) || compare(a.name, b.name),
  );
}

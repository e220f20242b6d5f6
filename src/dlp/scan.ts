import type { Header, Json, QueryParameter } from "../call.js";
import { isProxyHeader } from "../proxy_headers.js";
import { detectors, type Kind } from "./detectors.js";
import { createInspector, type Labelled, type PatternMatcher, type UserPattern } from "./findings.js";
import { createMemory, type Memory } from "./memory.js";
import { labelOf } from "./span.js";
import { headerValues, keyText, mapMembers, queryValues, textsOf } from "./texts.js";

export type { PatternMatcher, UserPattern } from "./findings.js";

export type Place = "params" | "headers" | "query" | "path";

/** Something that a detector found. There is one per detector, place and name. */
export interface Hit {
  /** A row of the detector table, or the name of a user's pattern. */
  detector: string;
  in: Place;
  /** Of the top-level parameter, header or query parameter. What `data` detectors find in a name is masked in it. */
  name: string;
  /** False for parameters, for headers that belong to the proxy, and where the name itself holds something. */
  redactable: boolean;
}

export interface ScanRequest {
  params: Readonly<Record<string, Json>>;
  query: readonly QueryParameter[];
  /** Without the query. Searched for data; a variable in it may be no parameter. */
  path: string;
  /** Names in lower case; without credentials. */
  headers: readonly Header[];
  /** Top-level parameters that came whole from the query. What is found there as well is a hit there only. */
  fromQuery: ReadonlySet<string>;
  /** Names of built-in detectors to run. */
  detectors: readonly string[];
  patterns: readonly UserPattern[];
}

export interface Scanned {
  /** By detector, place and name. */
  hits: readonly Hit[];
  /**
   * The value of a header or query parameter with what these detectors found replaced by `[<detector>]`, as a whole where
   * that is not enough. `null` when there is no such header or parameter.
   */
  redacted(place: "headers" | "query", name: string, detectors: ReadonlySet<string>): string | null;
  /** A copy of names and values for the record, in which everything that `data` detectors and patterns find is replaced. */
  masked(members: Readonly<Record<string, Json>>): Record<string, Json>;
}

/** One text of the call, and where it stands. */
interface Spot extends Labelled {
  in: Place;
  name: string;
  /** It is the name, and not below it. */
  isName: boolean;
}

/** Looks through a call. Throws for a detector that there is not, and when the matcher does not answer for every text. */
export function scan(request: ScanRequest, match: PatternMatcher): Scanned {
  const spots = spotsOf(request);
  const data = createMemory(createInspector(namesOf(request, "data"), request.patterns, match), spots);
  const values = { headers: headerValues(request.headers), query: queryValues(request.query) };
  const mask = (text: Labelled): string => data.redact(text);
  return {
    hits: inOrder([...dataHits(spots, request.fromQuery, data), ...payloadHits(spots, namesOf(request, "payload"))]),
    redacted(place, name, detectors) {
      const text = values[place].get(name);
      return text === undefined ? null : data.redact({ text, label: labelOf(name) }, detectors);
    },
    masked: (members) => mapMembers(members, mask),
  };
}

/** Unknown names are of both kinds, so that they do not go unseen. */
function namesOf(request: ScanRequest, kind: Kind): string[] {
  return request.detectors.filter((name) => (detectors.get(name)?.kind ?? kind) === kind);
}

function spotsOf({ params, query, headers, path }: ScanRequest): Spot[] {
  const named = (place: Place, name: string, texts: readonly Labelled[]): Spot[] => [
    { in: place, name, isName: true, ...keyText(name) },
    ...texts.map((text) => ({ in: place, name, isName: false, ...text })),
  ];
  const valued = (place: Place, map: ReadonlyMap<string, string>): Spot[] =>
    [...map].flatMap(([name, text]) => named(place, name, [{ text, label: labelOf(name) }]));
  return [
    ...Object.entries(params).flatMap(([name, value]) => named("params", name, textsOf(value, labelOf(name)))),
    ...valued("headers", headerValues(headers)),
    ...valued("query", queryValues(query)),
    { in: "path", name: "path", isName: false, text: path, label: "" },
  ];
}

function dataHits(spots: readonly Spot[], fromQuery: ReadonlySet<string>, data: Memory): Hit[] {
  const inQuery = new Set<string>();
  for (const spot of spots) {
    if (spot.in === "query") for (const detector of data.found(spot).keys()) inQuery.add(`${detector} ${spot.text}`);
  }
  // A parameter may have a name that says more than the one in the query, and then it is a hit of its own.
  const isCovered = (spot: Spot, detector: string): boolean =>
    spot.in === "params" && fromQuery.has(spot.name) && inQuery.has(`${detector} ${spot.text}`);

  return spots.flatMap((spot) => {
    const found = [...data.found(spot).keys()].filter((detector) => !isCovered(spot, detector));
    if (found.length === 0) return [];
    const name = data.redact(keyText(spot.name));
    const changes = spot.in === "query" || (spot.in === "headers" && !isProxyHeader(spot.name));
    return found.map((detector) => ({ detector, in: spot.in, name, redactable: changes && name === spot.name }));
  });
}

function payloadHits(spots: readonly Spot[], names: readonly string[]): Hit[] {
  if (names.length === 0) return [];
  const inspector = createInspector(names, [], () => []);
  const values = spots.filter((spot) => spot.in === "params" && !spot.isName);
  return inspector.inspect(values).flatMap((found, i) => {
    const name = values[i]?.name ?? "";
    return [...found.keys()].map((detector) => ({ detector, in: "params" as const, name, redactable: false }));
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

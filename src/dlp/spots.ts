import type { Header, Json, QueryParameter } from "../call.js";
import type { Labelled } from "./findings.js";
import { labelOf } from "./span.js";
import { headerValues, keyText, queryValues, textsOf } from "./texts.js";

export type Place = "params" | "headers" | "query" | "path" | "host" | "body";

/** What stands in one place of a call under one name. There is one per place and name. */
export interface Spot {
  in: Place;
  /** Of the top-level parameter, header, query parameter or member of the body. */
  name: string;
  /** The name, where the caller chose it: it is searched for data like what stands under it. */
  names: readonly Labelled[];
  values: readonly Labelled[];
}

/** Where a call is searched. */
export interface Places {
  params: Readonly<Record<string, Json>>;
  query: readonly QueryParameter[];
  /** Without the query. Searched for data; a variable in it may be no parameter. */
  path: string;
  /** Where the call goes, without the port. Searched for data, since names that a wildcard covers can carry it. */
  host: string;
  /** Names in lower case; without credentials. */
  headers: readonly Header[];
  /** Members of the request body that are no parameters. Searched for data, and never changed. */
  body: Readonly<Record<string, Json>>;
}

export function spotsOf({ params, query, headers, path, host, body }: Places): Spot[] {
  const spot = (place: Place, name: string, values: readonly Labelled[]): Spot => {
    return { in: place, name, names: [keyText(name)], values };
  };
  const members = (place: Place, map: Readonly<Record<string, Json>>): Spot[] =>
    Object.entries(map).map(([name, value]) => spot(place, name, textsOf(value, labelOf(name))));
  const valued = (place: Place, map: ReadonlyMap<string, string>): Spot[] =>
    [...map].map(([name, text]) => spot(place, name, [{ text, label: labelOf(name) }]));
  return [
    ...members("params", params),
    ...valued("headers", headerValues(headers)),
    ...valued("query", queryValues(query)),
    { in: "path", name: "path", names: [], values: [{ text: path, label: "" }] },
    { in: "host", name: "host", names: [], values: hostTexts(host) },
    ...members("body", body),
  ];
}

/** A host, and each of its labels: what stands before a dot and letters is often no data, and in a host all does. */
function hostTexts(host: string): Labelled[] {
  return [...new Set([host, ...host.split(".")])].map((text) => ({ text, label: "" }));
}

/** All texts of a spot. */
export function textsAt({ names, values }: Spot): Labelled[] {
  return [...names, ...values];
}

/** How much there is to search, in UTF-16 units. */
export function lengthOf(texts: readonly Labelled[]): number {
  return texts.reduce((sum, { text }) => sum + text.length, 0);
}

import { listed } from "./answer.js";
import { type Cited, type Deed, distinct } from "./story.js";

type Named = Pick<Deed, "tool" | "action" | "service" | "image_tag" | "environment">;

/** What a call asked for: `deploy-api:deploy (service shop, image 42.0, environment production)`. */
export function callText({ tool, action, service, image_tag, environment }: Named): string {
  const named = Object.entries({ service, image: image_tag, environment }).flatMap(([name, value]) =>
    value === null ? [] : [`${name} ${value}`],
  );
  const what = `${tool ?? "an unknown tool"}:${action ?? "an unknown action"}`;
  return named.length === 0 ? what : `${what} (${named.join(", ")})`;
}

/** Calls that one sentence names. */
const mostNamed = 3;

/** The last few of these texts, each once, and how many more there are. */
export function lastOf(texts: readonly string[]): string {
  const all = distinct(texts);
  const more = all.length - mostNamed;
  return listed([...(more > 0 ? [`${more} others`] : []), ...all.slice(-mostNamed)], "nothing");
}

/** How many calls these records stand for. */
export function callsIn(deeds: readonly Cited<Deed>[]): number {
  return deeds.reduce((sum, { record }) => sum + (record.aggregated?.count ?? 1), 0);
}

/** How calls that policies were against could go through. */
export function unenforced(deeds: readonly Cited<Deed>[]): string {
  return deeds.every(({ record }) => record.mode === "shadow") ? "in shadow mode" : "without being enforced";
}

/** Why calls were judged as they were, each reason once. */
export function reasonsOf(deeds: readonly Cited<Deed>[]): string {
  return listed(distinct(deeds.map(({ record }) => record.reason)), "nothing");
}

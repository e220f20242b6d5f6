import type { Json } from "../call.js";
import { foldCase } from "../json/fold.js";
import { quote } from "../json/quote.js";
import { Refusal } from "../refusal.js";
import type { Offered, Template } from "./template.js";

type Members = { readonly [name: string]: Json };

/**
 * What a described call offers once its stated action or environment stands where the catalogue looks for it, so that the
 * parameters are those which the same call has over HTTP. Throws `malformed_parameter` when the catalogue says something
 * else, and `ambiguous_parameter` when the parameters do.
 */
export function stand(offered: Offered, template: Template, stated: string, what: string): Offered {
  if (template.kind === "constant") {
    if (template.value === stated) return offered;
    throw new Refusal("malformed_parameter", `the ${what} is not the one that the catalogue gives the tool`);
  }
  // Its parts may be there or not; what they give is compared with what was stated.
  if (template.kind === "text") return offered;
  const { source, names } = template.reference;
  return { ...offered, [source]: placed(offered[source], names, stated) };
}

function placed(object: Members, [name = "", ...rest]: readonly string[], stated: string): { [name: string]: Json } {
  const spelled = Object.keys(object).find((key) => foldCase(key) === foldCase(name));
  const there = spelled === undefined ? undefined : object[spelled];
  if (spelled !== undefined && spelled !== name) throw contradicted(name);
  if (rest.length === 0) {
    if (there !== undefined && there !== stated) throw contradicted(name);
    return { ...object, [name]: stated };
  }
  if (there !== undefined && (there === null || typeof there !== "object" || Array.isArray(there))) {
    throw new Refusal("malformed_parameter", `parameter ${quote(name)} is not an object`);
  }
  return { ...object, [name]: placed(there ?? {}, rest, stated) };
}

function contradicted(name: string): Refusal {
  return new Refusal("ambiguous_parameter", `parameter ${quote(name)} says something else than the call`);
}

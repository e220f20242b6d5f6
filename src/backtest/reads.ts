import type { Atom, Condition, Operand } from "../policies/condition/flat.js";
import type { Needs, Rule } from "../policies/document.js";
import type { Place } from "./place.js";

/** What a rule or condition looks at: places of the input, and what had to be found out when the call was made. */
export interface Reads {
  places: readonly Place[];
  /** Detectors whose hits it goes by. */
  detectors?: readonly string[];
}

/** What each kind of rule looks at. Names of parameters and headers are recorded, values may be masked. */
const ofKind: { [K in Rule["kind"]]: (rule: Extract<Rule, { kind: K }>, needs: Needs) => Reads } = {
  environments: () => ({ places: [value("environment")] }),
  images: () => ({ places: [value("images")] }),
  max: parameter,
  min: parameter,
  // Only whether there is one, and no `null` is ever masked.
  param_required: () => ({ places: [] }),
  param_type: parameter,
  param_pattern: parameter,
  param_enum: parameter,
  param_forbid: found,
  additional: () => ({ places: [] }),
  window_allow: () => ({ places: [value("time", "unix_ms")] }),
  window_deny: () => ({ places: [value("time", "unix_ms")] }),
  dlp_deny: found,
  dlp_redact: found,
  dlp_tag: found,
  // It may look at everything that an agent can put a secret into.
  rego: (_, needs) => ({
    places: [
      ...[value("environment"), value("service"), value("images")],
      ...[value("params"), value("http", "path"), value("http", "headers"), value("http", "query")],
    ],
    detectors: detectorsIn(needs),
  }),
  cost: ({ per }) => ({ places: Object.keys(per).map((param) => value("params", param)) }),
};

/** What a rule of a document with these needs looks at. */
export function readsOfRule(rule: Rule, needs: Needs): Reads {
  return (ofKind[rule.kind] as (rule: Rule, needs: Needs) => Reads)(rule, needs);
}

/** Every detector that a document asks for. */
export function detectorsIn({ detectors, patterns }: Needs): string[] {
  return [...detectors, ...patterns.map(({ name }) => name)];
}

/** What a condition looks at. */
export function readsOfCondition({ atoms }: Condition): Reads {
  return { places: atoms.flatMap(placesOf) };
}

function placesOf(atom: Atom): Place[] {
  if (atom.op === "has") return "path" in atom.left ? [{ path: atom.left.path, of: { field: atom.field } }] : [];
  return (atom.op === "is" ? [atom.left] : [atom.left, atom.right]).flatMap(placeOf);
}

function placeOf(operand: Operand): Place[] {
  return "path" in operand ? [{ path: operand.path, of: operand.size ? "size" : "value" }] : [];
}

function parameter({ param }: { param: string }): Reads {
  return { places: [value("params", param)] };
}

function found({ detector }: { detector: string }): Reads {
  return { places: [], detectors: [detector] };
}

function value(...path: string[]): Place {
  return { path, of: "value" };
}

import type { Atom, Condition, Operand } from "../policies/condition/flat.js";
import { asksHistory } from "../policies/condition/vocabulary.js";
import type { Needs, OfSession, Rule } from "../policies/document.js";
import type { Place } from "./place.js";

/** What a rule or condition looks at: places of the input, and what had to be found out when the call was made. */
export interface Reads {
  places: readonly Place[];
  /** Detectors whose hits it goes by. */
  detectors?: readonly string[];
  /** True when it goes by what the session had done. */
  history?: boolean;
}

/** What is known of the policies beside the rule. */
export interface Beside {
  needs: Needs;
  /** The user's Rego may look at the session. */
  regoSeesSession: boolean;
}

/** What each kind of rule looks at. Names of parameters and headers are recorded, values may be masked. */
const ofKind: { [K in Rule["kind"]]: (rule: Extract<Rule, { kind: K }>, beside: Beside) => Reads } = {
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
  session_bound: required("session", "bound"),
  session_role: required("session_attestation", "role"),
  session_integrity: required("session_attestation", "session_integrity"),
  session_anomalies: required("session_attestation", "anomalies_detected"),
  session_clearance: (rule) => {
    const own = required("session_attestation", "clearance")(rule);
    return { ...own, places: [...own.places, value("session_attestation", "data_classification")] };
  },
  dlp_deny: found,
  dlp_redact: found,
  dlp_tag: found,
  // It may look at everything that an agent can put a secret into.
  rego: (_, { needs, regoSeesSession }) => ({
    places: [
      ...[value("environment"), value("service"), value("images")],
      ...[value("params"), value("http", "path"), value("http", "headers"), value("http", "query")],
    ],
    detectors: detectorsIn(needs),
    history: regoSeesSession,
  }),
  cost: ({ per }) => ({ places: Object.keys(per).map((param) => value("params", param)) }),
};

/** What a rule looks at. */
export function readsOfRule(rule: Rule, beside: Beside): Reads {
  return (ofKind[rule.kind] as (rule: Rule, beside: Beside) => Reads)(rule, beside);
}

/** Every detector that a document asks for. */
export function detectorsIn({ detectors, patterns }: Needs): string[] {
  return [...detectors, ...patterns.map(({ name }) => name)];
}

/** What a condition looks at. */
export function readsOfCondition(condition: Condition): Reads {
  return { places: condition.atoms.flatMap(placesOf), history: asksHistory(condition) };
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

/** What `require` looks at: one field of the session, and whatever its condition names. */
function required(...path: string[]): (rule: OfSession) => Reads {
  return ({ when }) => {
    const asked = when ? readsOfCondition(when.condition) : { places: [] };
    const history = path[0] === "session_attestation" || asked.history === true;
    return { places: [value(...path), ...asked.places], history };
  };
}

function found({ detector }: { detector: string }): Reads {
  return { places: [], detectors: [detector] };
}

function value(...path: string[]): Place {
  return { path, of: "value" };
}

import { bounded } from "../bounded.js";
import type { Rule } from "../policies/document.js";
import type { Violation } from "../verdict.js";

/** What the policy program says of a broken rule, before it is put into words. */
export type Finding = Omit<Violation, "message"> & {
  kind?: Rule["kind"];
  /** Parameters of the call whose names differ from the rule's only in case. */
  spelled?: readonly string[];
  /** Nobody looked at what the session did. */
  unseen?: boolean;
};

type Sentence = (finding: Finding) => string;

/** Breaches that no rule of an action stands for. */
const ofRule: Readonly<Record<string, Sentence>> = {
  no_policy: () => "no policy names this agent",
  deny_actions: ({ actual }) => `action ${show(actual)} is denied by name`,
  action_not_allowed: ({ actual }) => `no policy of this agent lists action ${show(actual)} for this tool`,
  egress: ({ actual, limit }) => `destination ${hostOf(actual)} is not one of ${list(limit)}`,
  condition_error: ({ limit }) => `the condition ${show(limit)} could not be evaluated for this call`,
  approval_needed: ({ limit }) => `the policy asks for approval: ${show(limit)}`,
};

const ofKind: Readonly<Record<Rule["kind"], Sentence>> = {
  environments: ({ actual, limit }) =>
    actual === null ? "the call names no environment" : `environment ${show(actual)} is not one of ${list(limit)}`,
  images: ({ actual }) =>
    Array.isArray(actual) && actual.length > 0
      ? `image ${list(actual)} is not allowed: every image needs an approved digest`
      : "the call names no image, and only approved images are allowed",
  max: (finding) => outOfBounds(finding, "above"),
  min: (finding) => outOfBounds(finding, "below"),
  param_required: ({ param }) => `${param} is required and missing`,
  param_type: ({ param, limit }) => `${param} is not of type ${show(limit)}`,
  param_pattern: ({ param, limit }) => `${param} does not match ${show(limit)} as a whole`,
  param_enum: ({ param, limit }) => `${param} is not one of ${list(limit)}`,
  param_forbid: ({ param, limit }) =>
    `${param} holds something that looks like ${show(limit)}, which is forbidden there`,
  additional: ({ actual }) => `the policy does not list parameter ${list(actual)}`,
  window_allow: ({ limit, actual }) => `outside the permitted hours: it is ${clock(actual)} in ${zoneOf(limit)}`,
  window_deny: ({ limit, actual }) => `within blocked hours: it is ${clock(actual)} in ${zoneOf(limit)}`,
  session_bound: () => "the credential of the call binds no session",
  session_role: ({ actual, limit }) =>
    actual === null
      ? `no role is known behind the session, and it takes ${either(limit)}`
      : `role ${show(actual)} of the session is not one of ${list(limit)}`,
  session_integrity: ({ actual }) =>
    actual === null ? "the integrity of the session is not known" : `the session is ${show(actual)}, and not clean`,
  session_anomalies: ({ actual }) => anomalies(actual),
  session_clearance: touched,
  dlp_deny: (finding) => found(finding, "which must not leave"),
  dlp_redact: (finding) => found(finding, "which cannot be redacted there"),
  dlp_tag: ({ limit }) => `the call was not searched for ${show(limit)}`,
  rego: ({ limit, actual }) => `package ${show(limit)} ${saidByRego(actual)}`,
  cost: ({ limit }) =>
    `the cost of the call cannot be told: ${list(Object.keys(Object(limit)))} must be numbers from 0`,
};

/** The sentence that the agent and the auditor read. Built here, so that every engine gives the same findings. */
export function describe({ kind, spelled, unseen, ...finding }: Finding): Violation {
  const shown = Object.hasOwn(finding, "actual") ? { ...finding, actual: bounded(finding.actual) } : finding;
  const message = spelled
    ? otherSpelling(finding, spelled)
    : unseen
      ? "nothing is known of the session, and the policy asks what it did and who is behind it"
      : sentence(finding, kind);
  return { ...shown, message };
}

function otherSpelling({ rule, param }: Finding, spelled: readonly string[]): string {
  return `${list(spelled)} is another spelling of ${param}, which ${rule} speaks of`;
}

function sentence(finding: Finding, kind: Rule["kind"] | undefined): string {
  const { rule } = finding;
  const byKind = kind !== undefined && Object.hasOwn(ofKind, kind) ? ofKind[kind] : undefined;
  const known = byKind ?? (Object.hasOwn(ofRule, rule) ? ofRule[rule] : undefined);
  return known ? known(finding) : `rule ${rule} is broken`;
}

function outOfBounds({ rule, param, limit, actual }: Finding, side: "above" | "below"): string {
  if (typeof actual !== "number") return `${param} is not a number, and ${rule} limits it`;
  return `${param} ${actual} is ${side} ${rule} ${show(limit)}`;
}

function found({ limit, actual }: Finding, rest: string): string {
  const places = Array.isArray(actual)
    ? actual.map(({ in: place, name }) => (place === name ? place : `${place}.${name}`))
    : [];
  return places.length === 0
    ? `the call was not searched for ${show(limit)}`
    : `${list(places)} holds ${show(limit)}, ${rest}`;
}

function anomalies(count: unknown): string {
  if (count === 1) return "there was 1 anomaly in the session";
  if (typeof count === "number" && count > 1) return `there were ${count} anomalies in the session`;
  return "an attestation of the session tells of anomalies";
}

function touched({ rule, limit, actual }: Finding): string {
  const data = rule.replace(/^session_touched_/, "");
  const access = `the session has had access to ${data}, which takes clearance ${either(limit)}`;
  return `${access}, and nobody behind it has it (clearance: ${actual === null ? "none" : show(actual)})`;
}

function saidByRego(answer: unknown): string {
  const { failed, deny } = Object(answer) as { failed?: unknown; deny?: unknown };
  if (failed !== undefined) return `could not be evaluated: ${show(failed)}`;
  if (deny === true) return "denies the call";
  return deny === false ? "does not allow the call" : "was not evaluated";
}

function hostOf(destination: unknown): string {
  const { host, port } = Object(destination) as { host?: unknown; port?: unknown };
  return host === undefined ? "unknown" : show(`${host}:${port}`);
}

const dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function zoneOf(limit: unknown): string {
  return show((Object(limit) as { time_zone?: unknown }).time_zone);
}

function clock(local: unknown): string {
  const { day, minute } = Object(local) as { day?: unknown; minute?: unknown };
  if (typeof day !== "number" || typeof minute !== "number") return "an unknown time";
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${dayNames[day]} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "none");
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text;
}

function list(value: unknown): string {
  return show(Array.isArray(value) ? value.map(String).join(", ") : value);
}

function either(value: unknown): string {
  return show(Array.isArray(value) ? value.map(String).join(" or ") : value);
}

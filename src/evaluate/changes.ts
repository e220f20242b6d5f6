import type { Call } from "../call.js";
import type { Scanned } from "../dlp/scan.js";
import type { SanitizeDocument } from "../policies/document.js";
import type { Sanitize } from "../verdict.js";

/** One thing to redact, as the policy program names it. */
export interface Redaction {
  detector: string;
  in: string;
  name: string;
}

const redactedHeader = "[redacted]";
/** Envoy takes only letters, digits and `- . _ *` in a query that it is told to write, so no brackets here. */
const redactedQuery = "redacted";
const queryName = /^[A-Za-z0-9_.*-]+$/;

/** What one entry of the policies asks for. */
export type AskedChange = SanitizeDocument & Pick<Sanitize, "own">;

type HasHttp = { http: Pick<Call["http"], "headers" | "query"> };

/** What policies ask to change, as changes of this very call. Throws when something to redact is not there. */
export function changesOf(
  asked: { sanitize: readonly AskedChange[]; redact: readonly Redaction[] },
  { call, scanned }: { call: HasHttp; scanned: Scanned | null },
): Sanitize[] {
  const found = asked.redact.length === 0 ? [] : [redactionOf(asked.redact, scanned)];
  // What a policy sets stands over what is left of a value that was redacted.
  return [...found, ...asked.sanitize.map((change) => changeOf(change, call))];
}

function changeOf({ headers, query, own }: AskedChange, { http }: HasHttp): Sanitize {
  const change: Sanitize = {
    own,
    headers: { set: { ...headers.set }, remove: [...headers.remove] },
    query: { set: { ...query.set }, remove: [...query.remove] },
  };
  for (const name of headers.redact) {
    if (http.headers.some((header) => header.name === name)) change.headers.set[name] = redactedHeader;
  }
  for (const name of query.redact) {
    if (http.query.some((parameter) => parameter.name === name)) redactQuery(change, name, redactedQuery);
  }
  return change;
}

function redactionOf(redactions: readonly Redaction[], scanned: Scanned | null): Sanitize {
  const change: Sanitize = { own: true, headers: { set: {}, remove: [] }, query: { set: {}, remove: [] } };
  for (const [place, name, detectors] of byValue(redactions)) {
    const value = place === "params" ? null : scanned?.redacted(place, name, detectors);
    if (typeof value !== "string") throw new Error(`nothing to redact at ${place}.${name}`);
    // A query value is replaced as a whole: what is left of it may not be something that Envoy would write.
    if (place === "query") redactQuery(change, name, [redactedQuery, ...detectors].join("."));
    else change.headers.set[name] = value;
  }
  return change;
}

function redactQuery({ query }: Sanitize, name: string, placeholder: string): void {
  if (queryName.test(name)) query.set[name] = placeholder;
  else query.remove.push(name);
}

function byValue(redactions: readonly Redaction[]): ["params" | "headers" | "query", string, Set<string>][] {
  const values = new Map<string, ["params" | "headers" | "query", string, Set<string>]>();
  for (const { detector, in: place, name } of redactions) {
    if (place !== "headers" && place !== "query" && place !== "params") throw new Error(`no place ${place}`);
    const key = `${place} ${name}`;
    const value = values.get(key) ?? [place, name, new Set<string>()];
    value[2].add(detector);
    values.set(key, value);
  }
  return [...values.values()];
}

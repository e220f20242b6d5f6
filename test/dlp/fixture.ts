import type { Json } from "../../src/call.js";
import { detectors } from "../../src/dlp/detectors.js";
import { type PatternMatcher, type Scanned, type ScanRequest, scan, type UserPattern } from "../../src/dlp/scan.js";
import { createEngine } from "../../src/evaluate/engine.js";
import { loadProgram } from "../../src/policies/program.js";

/** Names of the built-in detectors of one kind. */
export const namesOf = (kind: "data" | "payload"): string[] =>
  [...detectors].filter(([, detector]) => detector.kind === kind).map(([name]) => name);

const engine = createEngine(loadProgram());
/** RE2 as it runs in the policy program. */
export const match: PatternMatcher = (patterns, texts) => engine.match(patterns, texts);

interface Parts {
  params?: Record<string, Json>;
  query?: Record<string, string>;
  headers?: [name: string, value: string][];
  path?: string;
  host?: string;
  body?: Record<string, Json>;
  fromQuery?: string[];
  detectors?: string[];
  patterns?: UserPattern[];
}

/** A scan with all data detectors unless others are named. */
export function scanned(parts: Parts): Scanned {
  const { params = {}, query = {}, headers = [], path = "/v1/x", fromQuery = [], patterns = [] } = parts;
  const request: ScanRequest = {
    params,
    query: Object.entries(query).map(([name, value]) => ({ raw: encodeURIComponent(name), name, value })),
    headers: headers.map(([name, value]) => ({ name, value })),
    body: parts.body ?? {},
    path,
    host: parts.host ?? "tools",
    fromQuery: new Set(fromQuery),
    detectors: parts.detectors ?? namesOf("data"),
    patterns,
  };
  return scan(request, match);
}

/** Hits as `detector place name`, with `!` behind the ones that cannot be redacted. */
export const told = ({ hits }: Scanned): string[] =>
  hits.map((hit) => `${hit.detector} ${hit.in} ${hit.name}${hit.redactable ? "" : "!"}`);

/** A value of each data detector, with the words that it needs. */
export const samples: Readonly<Record<string, string>> = {
  email: "jane.doe@example.com",
  phone: "+1 415 555 0132",
  payment_card: "4111 1111 1111 1111",
  iban: "GB82 WEST 1234 5698 7654 32",
  ssn: "123-45-6789",
  npi: "NPI 1234567893",
  mrn: "MRN A1234567",
  aws_access_key: "AKIAIOSFODNN7EXAMPLE",
  cloud_access_key: `AIza${"aB3".repeat(12).slice(0, 35)}`,
  private_key: "-----BEGIN PRIVATE KEY-----",
  jwt: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0.c2ln",
};

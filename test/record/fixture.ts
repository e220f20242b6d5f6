import type { Call, Json } from "../../src/call.js";
import type { UserPattern } from "../../src/dlp/scan.js";
import { createMasker, type Masker } from "../../src/record/index.js";
import { call as plain } from "../approvals/fixture.js";
import { scanned } from "../dlp/fixture.js";

export const jwt = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln";
export const nothing = { headers: new Set<string>(), query: new Set<string>() };

interface Parts {
  params?: Record<string, Json>;
  query?: Record<string, string>;
  headers?: [name: string, value: string][];
  path?: string;
  fromQuery?: string[];
  removes?: { headers: ReadonlySet<string>; query: ReadonlySet<string> };
  patterns?: UserPattern[];
}

/** A call with these parts. */
export function callOf({ params = {}, query = {}, headers = [], path = "/v1/x", fromQuery = [] }: Parts): Call {
  const http = {
    ...plain.http,
    path,
    query: Object.entries(query).map(([name, value]) => ({ raw: encodeURIComponent(name), name, value })),
    headers: headers.map(([name, value]) => ({ name, value })),
  };
  return { ...plain, params, fromQuery, http };
}

/** The masker of a call that all detectors have searched. */
export function maskerOf(parts: Parts): Masker {
  const { removes = nothing } = parts;
  return createMasker({ call: callOf(parts), evaluation: { removes, scanned: scanned(parts) } });
}

/** The masker of a call that nothing has searched. */
export function unsearched(parts: Parts): Masker {
  return createMasker({ call: callOf(parts) });
}

import type { Json } from "../call.js";
import type { Masker } from "./mask.js";

type JsonObject = { [name: string]: Json };

/** Members that no agent chooses: they come from the registry, the catalogue, verified tokens and the clock. */
const proven = new Set(["agent", "unmatched", "tool", "facts", "session", "session_attestation", "approval", "time"]);

/** A copy of the input document for the record, with all that the agent sent masked. */
export function maskInput(input: JsonObject, mask: Masker): JsonObject {
  const members = Object.entries(input).map(([name, value]): [string, Json] => {
    if (name === "params") return [name, mask.params(value as JsonObject)];
    if (name === "http") return [name, maskHttp(value as JsonObject, mask)];
    if (name === "destination") return [name, maskDestination(value as JsonObject, mask)];
    return [name, proven.has(name) ? value : mask.value(value)];
  });
  return Object.fromEntries(members);
}

function maskDestination({ host, ...rest }: JsonObject, mask: Masker): JsonObject {
  return { host: mask.host(String(host)), ...rest };
}

function maskHttp({ method, path, query, headers }: JsonObject, mask: Masker): JsonObject {
  return {
    method: method ?? null,
    path: mask.path(String(path)),
    query: mask.query(query as JsonObject),
    headers: mask.headers(headers as JsonObject),
  };
}

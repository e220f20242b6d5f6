import type { Json } from "../call.js";
import type { Masker } from "./mask.js";

type JsonObject = { [name: string]: Json };

/** Members that no agent chooses: they come from the registry, the catalogue, verified tokens and the clock. */
const proven = new Set(["agent", "unmatched", "tool", "facts", "session", "session_attestation", "approval", "time"]);

/** The input document as it is recorded, with all that the agent sent masked. Members in which nothing is masked are not copied. */
export function maskInput(input: JsonObject, mask: Masker): JsonObject {
  let shown: JsonObject | null = null;
  for (const name in input) {
    if (proven.has(name)) continue;
    const value = input[name] as Json;
    const instead = maskMember(name, value, mask);
    if (instead === value) continue;
    shown ??= { ...input };
    shown[name] = instead;
  }
  return shown ?? input;
}

function maskMember(name: string, value: Json, mask: Masker): Json {
  if (name === "params") return mask.params(value as JsonObject) as JsonObject;
  if (name === "http") return maskHttp(value as JsonObject, mask);
  if (name === "destination") return maskDestination(value as JsonObject, mask);
  return mask.value(value);
}

function maskDestination(destination: JsonObject, mask: Masker): JsonObject {
  const host = mask.host(String(destination.host));
  return host === destination.host ? destination : { ...destination, host };
}

function maskHttp({ method, path, query, headers }: JsonObject, mask: Masker): JsonObject {
  return {
    headers: mask.headers(headers as JsonObject) as JsonObject,
    method: method ?? null,
    path: mask.path(String(path)),
    query: mask.query(query as JsonObject) as JsonObject,
  };
}

import type { Json } from "../call.js";
import type { Masker } from "./mask.js";

type JsonObject = { [name: string]: Json };

/** Members that no agent chooses: they come from the registry, the catalogue, verified tokens and the clock. */
const proven = new Set(["agent", "unmatched", "tool", "facts", "session", "session_attestation", "approval", "time"]);

/** The input document as it is recorded, with all that the agent sent masked. */
export function maskInput(input: JsonObject, mask: Masker): JsonObject {
  const shown = { ...input };
  for (const name of Object.keys(shown)) {
    if (!proven.has(name)) shown[name] = maskMember(name, shown[name] as Json, mask);
  }
  return shown;
}

function maskMember(name: string, value: Json, mask: Masker): Json {
  if (name === "params") return mask.params(value as JsonObject) as JsonObject;
  if (name === "http") return maskHttp(value as JsonObject, mask);
  if (name === "destination") return { ...(value as JsonObject), host: mask.host(String((value as JsonObject).host)) };
  return mask.value(value);
}

function maskHttp({ method, path, query, headers }: JsonObject, mask: Masker): JsonObject {
  return {
    headers: mask.headers(headers as JsonObject) as JsonObject,
    method: method ?? null,
    path: mask.path(String(path)),
    query: mask.query(query as JsonObject) as JsonObject,
  };
}

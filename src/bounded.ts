import { sha256Hex } from "./canonical.js";

/** Longest value shown whole in answers, logs and records, in characters of its JSON. */
const most = 1_024;

/** A value that an agent chose, fit to be shown: whole when it is short, else its size and hash. */
export function bounded(value: unknown): unknown {
  const text = JSON.stringify(value);
  if (text === undefined || text.length <= most) return value;
  return { omitted: true, bytes: Buffer.byteLength(text), sha256: sha256Hex(text) };
}

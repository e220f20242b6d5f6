import type { Json } from "../call.js";
import { readJsonObject } from "../json/strict.js";
import { Refusal } from "../refusal.js";
import { unverified } from "./refuse.js";

export type Members = { [name: string]: Json };

/** A JSON object with one reading, as bodies are read. Throws `attestation_invalid`. */
export function strictObject(bytes: Uint8Array): Members {
  try {
    return readJsonObject(bytes);
  } catch (error) {
    if (error instanceof Refusal) throw unverified(error);
    throw error;
  }
}

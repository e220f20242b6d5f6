import { sha256Hex } from "../canonical.js";
import type { Found } from "./search.js";

/** Where a record stands, and what proves that it is the one that was read. */
export interface RecordPlace {
  writer: string;
  seq: number;
  kind: Found["record"]["kind"];
  /** `null` of records that are about no decision. */
  decision_id: string | null;
  timestamp: string;
  /** Lower-case hex SHA-256 of the line without its newline: what `prev` of the next record says. */
  sha256: string;
}

export function placeOf({ record, line }: Pick<Found, "record" | "line">): RecordPlace {
  const { writer, seq, kind, timestamp } = record;
  const { decision_id: id } = record as { decision_id?: unknown };
  return { writer, seq, kind, decision_id: typeof id === "string" ? id : null, timestamp, sha256: sha256Hex(line) };
}

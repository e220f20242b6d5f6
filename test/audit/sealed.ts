import { type Place, seal as sealBytes } from "../../src/audit/chain.js";
import type { RecordDraft } from "../../src/audit/record.js";

/** A line of a chain as text, without its newline. */
export function seal(draft: RecordDraft, place: Place): string {
  return sealBytes(draft, place).toString();
}

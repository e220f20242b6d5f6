import { type Place, seal as sealInto } from "../../src/audit/chain.js";
import type { RecordDraft } from "../../src/audit/record.js";
import { CanonicalBytes } from "../../src/canonical_bytes.js";

/** A line of a chain as text, without its newline. */
export function seal(draft: RecordDraft, place: Place): string {
  const room = new CanonicalBytes();
  sealInto(room, draft, place);
  return room.from(0).toString();
}

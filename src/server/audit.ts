import type { AuditSink } from "../audit/record.js";
import { openWriter } from "../audit/writer.js";
import type { Config } from "../config/schema.js";
import type { SigningKey } from "../keys/keys.js";
import type { Closing } from "./closing.js";

/** Opens the audit trail, as configured. Throws an `Error` for the operator when it cannot be written. */
export async function openAudit(
  { audit }: Pick<Config, "audit">,
  { key, closing }: { key: SigningKey; closing: Closing },
): Promise<AuditSink> {
  const writer = await openWriter({ dir: audit.dir, worker: 1, key, durability: audit.durability });
  closing.add(() => writer.close());
  return writer;
}

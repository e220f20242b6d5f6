import type { AgentsService } from "../agents/service.js";
import type { Config } from "../config/schema.js";
import { type EvidenceService, evidenceService } from "../evidence/service.js";
import { readVerifyKeyFile, type VerifyKey } from "../keys/keys.js";

/** What the server tells of its records, with the keys that signed them since the directory was begun. */
export async function serverEvidence(
  { audit }: Pick<Config, "audit">,
  { key, agents }: { key: VerifyKey; agents: Pick<AgentsService, "list"> },
): Promise<EvidenceService> {
  const former = await Promise.all(audit.accepted_keys.map((file) => readVerifyKeyFile(file, "audit")));
  return evidenceService({ dir: audit.dir, keys: [key, ...former], agents: () => agents.list() });
}

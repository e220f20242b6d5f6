import type { AgentsService } from "../agents/service.js";
import type { Config } from "../config/schema.js";
import { type EvidenceService, evidenceService } from "../evidence/service.js";
import type { ServerKeys } from "./keys.js";

/** What the server tells of its records, with the keys that signed them since the directory was begun. */
export function serverEvidence(
  { audit }: Pick<Config, "audit">,
  { keys, agents }: { keys: Pick<ServerKeys, "audit" | "auditAccepted">; agents: Pick<AgentsService, "list"> },
): EvidenceService {
  return evidenceService({ dir: audit.dir, keys: [keys.audit, ...keys.auditAccepted], agents: () => agents.list() });
}

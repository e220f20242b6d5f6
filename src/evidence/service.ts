import type { Filter } from "../audit_query/filter.js";
import { type Page, readPage } from "../audit_query/page.js";
import { SegmentTimes } from "../audit_query/segment_times.js";
import { ScanTurns } from "../audit_query/turns.js";
import type { VerifyKey } from "../keys/keys.js";
import { type DeploymentEvidence, deploymentEvidence } from "./deployment.js";
import { type Granted, type ScopesReport, scopesReport } from "./scopes.js";

/** A span of time; an end that is missing is open. */
export type Between = Pick<Filter, "fromMs" | "toMs">;

/** What a running server tells of its records. Each rejects with `Busy` when too many ask. */
export interface EvidenceService {
  /** Throws `BadPosition` for a cursor that leads nowhere. */
  page(filter: Filter, page: { limit: number; cursor: string | null }): Promise<Page>;
  scopes(span: Between): Promise<ScopesReport>;
  /** `null` when no record that was read tells of it. */
  deployment(id: string, span: Between): Promise<DeploymentEvidence | null>;
}

/** How much one answer reads of the files at most, in bytes; a deployment is read twice. */
const scanBytes = { scopes: 512 * 1024 * 1024, deployment: 512 * 1024 * 1024 };

/** Searches the audit directory of this server, few at a time. */
export function evidenceService(deps: {
  dir: string;
  /** Keys that sign the records, or did. */
  keys: readonly VerifyKey[];
  agents: () => Promise<readonly Granted[]>;
}): EvidenceService {
  const { dir, keys, agents } = deps;
  const turns = new ScanTurns();
  const times = new SegmentTimes();
  return {
    page: (filter, page) => turns.take(() => readPage([dir], filter, { ...page, times })),
    scopes: (span) =>
      turns.take(async () => scopesReport([dir], await agents(), { ...span, times, scanBytes: scanBytes.scopes })),
    deployment: (id, span) =>
      turns.take(() => deploymentEvidence([dir], id, { ...span, keys, times, scanBytes: scanBytes.deployment })),
  };
}

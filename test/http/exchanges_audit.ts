import { Busy } from "../../src/audit_query/turns.js";
import { evidenceService } from "../../src/evidence/service.js";
import { ed25519 } from "../audit/samples.js";
import { decision, writeChain, writers } from "../audit_query/chains.js";
import { temporaryFolder } from "../cli/run.js";
import { as } from "./fixture.js";
import type { Open } from "./scene.js";

/** Searches of auditors, by servers that have records and by one that has too many searches. */
export async function audits(open: Open): Promise<void> {
  const { folder, undo } = await temporaryFolder();
  const drafts = [1, 2, 3].map((n) => decision({ deployment_id: "dep-1", decision_id: `d-${n}`, reason: "allowed" }));
  await writeChain(folder, writers[0], drafts);
  const keys = [ed25519];
  const { send } = await open({ evidence: evidenceService({ dir: folder, keys, agents: async () => [] }) });
  const auditor = { headers: as("auditor") };
  const first = await send("GET /v1/audit", "a page", { ...auditor, query: "?agent_id=deploy-manager&limit=2" });
  const { next } = first.json();
  await send("GET /v1/audit", "the next", { ...auditor, query: `?agent_id=deploy-manager&limit=2&cursor=${next}` });
  await send("GET /v1/audit", "a cursor of another search", { ...auditor, query: `?limit=2&cursor=${next}` });
  await send("GET /v1/audit", "unknown parameter", { ...auditor, query: "?agent=deploy-manager" });
  await send("GET /v1/audit", "odd time", { ...auditor, query: "?from=yesterday" });
  await send("GET /v1/audit/scopes", "all", { ...auditor, query: "?from=2020-01-01T00:00:00Z" });
  await send("GET /v1/audit/scopes", "odd span", { ...auditor, query: "?from=1d&to=2d" });
  await send("GET /v1/audit/deployments/:id", "known", { ...auditor, id: "dep-1" });
  await send("GET /v1/audit/deployments/:id", "unknown", { ...auditor, id: "dep-2" });
  await send("GET /v1/audit/deployments/:id", "odd time", { ...auditor, id: "dep-1", query: "?to=x" });
  const full = async (): Promise<never> => {
    throw new Busy("other searches take too long");
  };
  const { send: again } = await open({ evidence: { page: full, scopes: full, deployment: full } });
  await again("GET /v1/audit", "too many", auditor);
  await again("GET /v1/audit/scopes", "too many", auditor);
  await again("GET /v1/audit/deployments/:id", "too many", { ...auditor, id: "dep-1" });
  await undo();
}

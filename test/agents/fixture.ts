import { AgentProofs } from "../../src/agents/proof.js";
import { type AgentsOptions, type AgentsService, agentsService, type NewAgent } from "../../src/agents/service.js";
import type { AdminRecord, RecordDraft } from "../../src/audit/record.js";
import { sha256Hex } from "../../src/canonical.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { type LoadedRegistry, loadRegistry } from "../../src/registry/load.js";
import { systemRuntime } from "../../src/runtime.js";
import type { AgentFlag, SharedRegistry } from "../../src/store/shared_registry.js";
import { Records } from "../approvals/fixture.js";

/** That the processes of a store share. */
export const key = await signingKeyOf(generateKey("OKP", "approvals"));
export const proofs = new AgentProofs(key);

/** As a process writes that an agent is disabled or enabled by its id. */
export const flagOf = (id: string, disabled: boolean, revision = 1): AgentFlag =>
  proofs.flag({ id, disabled, revision });

const started: Process[] = [];

/** One of several processes that share a store: a service with files, records and clocks of its own. */
export interface Process {
  service: AgentsService;
  records: Records;
  file: LoadedRegistry;
  /** Added to the system's clocks, in milliseconds. */
  laterMs: number;
  troubles: string[];
  warnings: string[];
  /** What was recorded of agents, without times. */
  acts(): Partial<AdminRecord>[];
}

export const files = (text: string) => loadRegistry({ agents: { file: "agents.yaml", text } });

export const firstFile = `agents:
  - {id: filed, model: m, scopes: ["a:*"], api_keys: [{sha256: ${sha256Hex("key-filed")}}], spiffe: ["spiffe://d/filed"]}
  - {id: retired, disabled: true}
`;

/** By default it asks the store only when somebody wants to know. */
export function processOf(shared: SharedRegistry, more: Partial<AgentsOptions> = {}): Process {
  const records = new Records();
  const here: Process = {
    records,
    file: files(firstFile),
    laterMs: 0,
    troubles: [],
    warnings: [],
    acts: () => records.kept.filter(isAdmin).map(({ kind: _, timestamp: __, ...act }) => act),
    service: agentsService({
      shared,
      key,
      fileRegistry: () => here.file,
      audit: records,
      runtime: {
        now: () => systemRuntime.now() + here.laterMs,
        monotonicMicros: () => systemRuntime.monotonicMicros() + here.laterMs * 1000,
        random: systemRuntime.random,
      },
      intervalMs: null,
      onTrouble: ({ message }) => here.troubles.push(message),
      onWarning: (warning) => here.warnings.push(warning),
      ...more,
    }),
  };
  started.push(here);
  return here;
}

function isAdmin(record: RecordDraft): record is AdminRecord {
  return record.kind === "admin";
}

export async function closeAll(): Promise<void> {
  for (const { service } of started.splice(0)) await service.close();
}

export const wanted = (id: string, more: Partial<NewAgent> = {}): NewAgent => ({
  id,
  scopes: ["deploy-api:*"],
  roles: [],
  spiffe: [],
  ...more,
});

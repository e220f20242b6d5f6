import type { AuditSink } from "../audit/record.js";
import { sha256Hex } from "../canonical.js";
import type { Revocations } from "../issuers/revocations.js";
import type { LoadedRegistry } from "../registry/load.js";
import type { Runtime } from "../runtime.js";
import type { SharedRegistry, StoredAgent } from "../store/shared_registry.js";
import { Turns } from "../workspace/turns.js";
import { newApiKey } from "./api_key.js";
import { Changes } from "./changes.js";
import { AgentError, unknownAgent } from "./error.js";
import { type LiveOptions, watchRegistry } from "./live.js";
import { type AgentView, heldKeys, viewOfEntry, viewOfStored } from "./view.js";

/** Longest time that replaced keys go on to hold. */
export const maxKeepOldMs = 86_400_000;
/** Keys of one agent that hold at the same time. */
export const maxKeys = 10;

export interface NewAgent {
  id: string;
  model?: string;
  scopes: readonly string[];
  roles: readonly string[];
  spiffe: readonly string[];
}

/**
 * The agents of `agents.yaml` and those that are registered over the API, for all processes of a store. `by` is the id of
 * the person who asks. Methods throw `AgentError`, `StoreUnavailable`, and `AuditUnavailable` when a change cannot be
 * recorded; then nothing was changed.
 */
export interface AgentsService {
  /** Registers an agent. The API key is given only here. */
  create(agent: NewAgent, by: string): Promise<{ agent: AgentView; api_key: string }>;
  /** By id. */
  list(): Promise<AgentView[]>;
  show(id: string): Promise<AgentView>;
  /** Both are nothing new for an agent that is so already. */
  disable(id: string, by: string): Promise<AgentView>;
  enable(id: string, by: string): Promise<AgentView>;
  /** Replaces all API keys by a new one; the old ones end after `keepOldForMs` (0 to 24 h), or earlier as they had to. */
  rotateKey(id: string, keepOldForMs: number, by: string): Promise<{ agent: AgentView; api_key: string }>;
  /** Everybody as of now or a second ago, for whoever has called `revocations.fresh` before. */
  registry(): LoadedRegistry;
  readonly revocations: Revocations;
  /** For others that write to the store's registry: what they write is known here when it resolves. */
  readonly shared: SharedRegistry;
  /** `null` when the store was read at the last try, else what is wrong, for the operator. */
  trouble(): string | null;
  close(): Promise<void>;
}

export interface AgentsOptions extends LiveOptions {
  audit: AuditSink;
  runtime: Pick<Runtime, "now" | "monotonicMicros" | "random">;
}

export function agentsService(options: AgentsOptions): AgentsService {
  const { runtime, fileRegistry } = options;
  const live = watchRegistry(options);
  const changes = new Changes({ ...options, live });
  // One after the other, so that only other processes can come in between.
  const turns = new Turns();

  function view(id: string): AgentView {
    const entry = fileRegistry().entry(id) && live.registry().entry(id);
    if (entry) return viewOfEntry(entry);
    const agent = live.stored().get(id);
    if (!agent) throw unknownAgent(id);
    return viewOfStored(agent, live.flags().isDisabled(id), runtime.now());
  }

  /** A change of an agent as all processes know it by now. */
  function changing(id: string, change: (source: "file" | "store") => Promise<unknown>): Promise<AgentView> {
    return turns.take(async () => {
      await live.asOfNow();
      await change(view(id).source);
      return view(id);
    });
  }

  async function disableStored(id: string, by: string): Promise<void> {
    const agent = live.stored().get(id);
    if ((agent?.disabled && agent.revision > 0) || live.flags().isSettled(id, true)) return;
    try {
      await changes.update(id, { act: "agent_disabled", by }, () => ({ disabled: true }));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      // Nobody who can write to the store keeps an agent from being disabled.
      await changes.flag(id, true, { by, source: "store" });
    }
  }

  async function rotateKey(id: string, keepOldForMs: number, by: string) {
    const key = newApiKey(runtime);
    const act = { act: "agent_key_rotated", by, detail: { keep_old_for_s: Math.floor(keepOldForMs / 1000) } } as const;
    const agent = await changing(id, async (source) => {
      if (source === "file") throw inFile(id);
      await changes.update(id, act, (old) => ({
        keys: [{ sha256: sha256Hex(key) }, ...endingKeys(old, keepOldForMs, runtime.now())],
      }));
    });
    return { agent, api_key: key };
  }

  function refuseTaken({ id, spiffe }: NewAgent): void {
    // What somebody else has put into the store takes no name.
    if (fileRegistry().agent(id) || (live.stored().has(id) && !live.isDoubtful(id))) throw exists(id);
    for (const one of spiffe) {
      const owner = live.registry().agentBySpiffe(one);
      if (owner && owner.id !== id) throw new AgentError("spiffe_taken", `${one} belongs to agent ${owner.id}`);
    }
  }

  async function create(wanted: NewAgent, by: string) {
    await live.asOfNow();
    refuseTaken(wanted);
    const key = newApiKey(runtime);
    // Later than any other of that name: of those the latest is the agent.
    const before = live.stored().get(wanted.id)?.createdAtMs ?? 0;
    const agent = firstRevision(wanted, key, Math.max(runtime.now(), before + 1));
    const { model = null, scopes, roles, spiffe } = agent;
    const detail = { model, scopes: [...scopes], roles: [...roles], spiffe: [...spiffe] };
    const over = live.isDoubtful(agent.id) ? null : undefined;
    if (!(await changes.write(agent, { act: "agent_created", by, detail }, over))) throw exists(agent.id);
    return { agent: view(agent.id), api_key: key };
  }

  return {
    create: (wanted, by) => turns.take(() => create(wanted, by)),
    async list() {
      await live.asOfNow();
      const filed = fileRegistry().agents();
      const ids = new Set([...filed.map(({ id }) => id), ...live.stored().keys()]);
      return [...ids].sort().map(view);
    },
    async show(id) {
      await live.asOfNow();
      return view(id);
    },
    disable: (id, by) =>
      changing(id, async (source) => {
        if (source === "file") await changes.flag(id, true, { by, source });
        else await disableStored(id, by);
      }),
    enable: (id, by) =>
      changing(id, async (source) => {
        if (fileRegistry().agent(id)?.disabled) {
          throw new AgentError("disabled_in_file", `agents.yaml disables ${id}: take \`disabled: true\` out there`);
        }
        const stored = live.stored().get(id);
        // What is in the store and proves nothing does not stand in the way of the file.
        if (stored?.disabled && (source === "store" || stored.revision > 0)) {
          await changes.update(id, { act: "agent_enabled", by }, () => ({ disabled: false }));
        }
        await changes.flag(id, false, { by, source });
      }),
    rotateKey,
    registry: live.registry,
    revocations: live,
    shared: live.shared,
    trouble: live.trouble,
    close: live.close,
  };
}

function firstRevision({ id, model, ...more }: NewAgent, key: string, nowMs: number): Omit<StoredAgent, "proof"> {
  return {
    id,
    ...(model === undefined ? {} : { model }),
    scopes: [...new Set(more.scopes)],
    roles: [...new Set(more.roles)],
    spiffe: [...new Set(more.spiffe)],
    disabled: false,
    keys: [{ sha256: sha256Hex(key) }],
    createdAtMs: Math.floor(nowMs),
    revision: 1,
  };
}

/** The keys that go on to hold for a while. */
function endingKeys(agent: StoredAgent, keepOldForMs: number, nowMs: number): StoredAgent["keys"] {
  if (keepOldForMs === 0) return [];
  const endMs = Math.floor(nowMs) + keepOldForMs;
  const kept = heldKeys(agent, nowMs);
  if (kept.length >= maxKeys) {
    const hint = "wait until some have ended, or keep no old ones";
    throw new AgentError("too_many_keys", `${agent.id} has ${kept.length} keys that hold; ${hint}`);
  }
  return kept.map(({ sha256, untilMs }) => ({ sha256, untilMs: Math.min(untilMs ?? endMs, endMs) }));
}

function exists(id: string): AgentError {
  return new AgentError("agent_exists", `there is an agent ${id} already`);
}

function inFile(id: string): AgentError {
  const how = `make a key with \`countersign agent key ${id}\`, put its hash there and take the old one out`;
  return new AgentError("agent_in_file", `${id} is registered in agents.yaml: ${how}`);
}

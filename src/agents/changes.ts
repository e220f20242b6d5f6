import type { AdminRecord, AuditSink } from "../audit/record.js";
import type { Runtime } from "../runtime.js";
import type { StoredAgent } from "../store/shared_registry.js";
import { AgentError, unknownAgent } from "./error.js";
import type { LiveRegistry } from "./live.js";

/** How often a change is tried when other processes change the same agent. */
const maxTries = 10;

/** One change of an agent, as it is recorded. */
export interface Act {
  act: AdminRecord["act"];
  /** Id of the person who asks. */
  by: string;
  detail?: AdminRecord["detail"];
}

/**
 * Changes of agents, each recorded before it takes effect: what cannot be recorded does not happen. A record that is
 * followed by another with `outcome: "void"` had no effect, since another process was faster.
 */
export class Changes {
  readonly #deps: { audit: AuditSink; live: LiveRegistry; runtime: Pick<Runtime, "now"> };

  constructor(deps: { audit: AuditSink; live: LiveRegistry; runtime: Pick<Runtime, "now"> }) {
    this.#deps = deps;
  }

  /** Writes one revision; false when another process was faster. */
  async write(agent: StoredAgent, { detail, ...act }: Act): Promise<boolean> {
    const of = { source: "store", revision: agent.revision };
    await this.#record(agent.id, { ...act, detail: { ...of, ...detail } });
    if (await this.#deps.live.shared.putAgent(agent)) return true;
    await this.#record(agent.id, { ...act, detail: { ...of, outcome: "void" } });
    return false;
  }

  /** Writes what `change` makes of the agent as it is, anew until no other process comes in between. */
  async update(id: string, act: Act, change: (agent: StoredAgent) => Partial<StoredAgent>): Promise<void> {
    const { live } = this.#deps;
    for (let tries = 0; tries < maxTries; tries++) {
      const agent = live.stored().get(id);
      if (!agent) throw unknownAgent(id);
      if (agent.revision === 0) {
        throw new AgentError("agent_unreadable", `what the store has of agent ${id} cannot be read`);
      }
      if (await this.write({ ...agent, ...change(agent), revision: agent.revision + 1 }, act)) return;
      await live.asOfNow();
    }
    throw new AgentError("changed_meanwhile", `agent ${id} is being changed by others; try again`);
  }

  /** Disables or enables by the id alone, whoever registers the agent. */
  async flag(id: string, disabled: boolean, { by, source }: { by: string; source: "file" | "store" }): Promise<void> {
    const { live } = this.#deps;
    if (live.flagged(id) === disabled) return;
    await this.#record(id, { act: disabled ? "agent_disabled" : "agent_enabled", by, detail: { source } });
    await live.shared.setDisabled(id, disabled);
  }

  async #record(id: string, { act, by, detail = {} }: Act): Promise<void> {
    const timestamp = new Date(this.#deps.runtime.now()).toISOString();
    await this.#deps.audit.append({ kind: "admin", timestamp, act, by, agent_id: id, detail });
  }
}

import type { AdminRecord, AuditSink } from "../audit/record.js";
import type { Runtime } from "../runtime.js";
import type { StoredAgent } from "../store/shared_registry.js";
import { AgentError, unknownAgent } from "./error.js";
import type { LiveRegistry } from "./live.js";

/** How often a change is tried when other processes change the same agent. */
const maxTries = 10;

type Unsigned = Omit<StoredAgent, "proof">;

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

  /** Signs and writes one revision, over whatever there is when `over` is `null`; false when another process was faster. */
  async write(unsigned: Unsigned, { detail, ...act }: Act, over?: null): Promise<boolean> {
    const { live } = this.#deps;
    const agent = live.proofs.agent(unsigned);
    const of = { source: "store", revision: agent.revision };
    await this.#record(agent.id, { ...act, detail: { ...of, ...detail } });
    if (await live.shared.putAgent(agent, over)) return true;
    await this.#record(agent.id, { ...act, detail: { ...of, outcome: "void" } });
    return false;
  }

  /** Writes what `change` makes of the agent as it is, anew until no other process comes in between. */
  async update(id: string, act: Act, change: (agent: StoredAgent) => Partial<StoredAgent>): Promise<void> {
    const { live } = this.#deps;
    for (let tries = 0; tries < maxTries; tries++) {
      const agent = live.stored().get(id);
      if (!agent) throw unknownAgent(id);
      if (agent.revision === 0) throw unreadable(id);
      if (await this.write({ ...agent, ...change(agent), revision: agent.revision + 1 }, act)) return;
      await live.asOfNow();
      if (live.stored().get(id) !== agent) continue;
      // Whoever else writes through a server is heard of, so this was somebody who does not.
      live.doubt(id);
      throw unreadable(id);
    }
    throw changedMeanwhile(id);
  }

  /** Disables or enables by the id alone, whoever registers the agent. */
  async flag(id: string, disabled: boolean, { by, source }: { by: string; source: "file" | "store" }): Promise<void> {
    const { live } = this.#deps;
    if (live.flags().isSettled(id, disabled)) return;
    const act: AdminRecord["act"] = disabled ? "agent_disabled" : "agent_enabled";
    await this.#record(id, { act, by, detail: { source } });
    for (let tries = 0; tries < maxTries; tries++) {
      const { revision, over } = live.flags().next(id);
      if (await live.shared.putFlag(live.proofs.flag({ id, disabled, revision }), over)) return;
      await live.asOfNow();
    }
    // To disable must not depend on what somebody else has put there.
    const { revision } = live.flags().next(id);
    if (disabled) {
      await live.shared.putFlag(live.proofs.flag({ id, disabled, revision }), null);
      return;
    }
    await this.#record(id, { act, by, detail: { source, outcome: "void" } });
    throw changedMeanwhile(id);
  }

  async #record(id: string, { act, by, detail = {} }: Act): Promise<void> {
    const timestamp = new Date(this.#deps.runtime.now()).toISOString();
    await this.#deps.audit.append({ kind: "admin", timestamp, act, by, agent_id: id, detail });
  }
}

function unreadable(id: string): AgentError {
  return new AgentError("agent_unreadable", `what the store has of agent ${id} is not what a server wrote`);
}

function changedMeanwhile(id: string): AgentError {
  return new AgentError("changed_meanwhile", `agent ${id} is being changed by others; try again`);
}

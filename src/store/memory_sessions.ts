import type { SessionState } from "../session.js";
import { ExpiringMap } from "./expiring_map.js";
import { type Effective, isBad, type KeptSession, remembered } from "./sessions.js";
import { agentToolsMs, maxSessionAgents, type Observation } from "./store.js";

interface AgentTools {
  firstMs: number;
  tools: Set<string>;
}

/** The sessions of a memory store, and which tools each agent has used. */
export class MemorySessions {
  private readonly sessions = new ExpiringMap<string, KeptSession>();
  private readonly tools = new ExpiringMap<string, AgentTools>();
  private readonly agents = new ExpiringMap<string, Set<string>>();

  get(agent: string, session: string, nowMs: number): SessionState | null {
    const kept = this.sessions.get(place(agent, session), nowMs);
    if (!kept) return null;
    const { refusals: _, ...state } = structuredClone(kept);
    return state;
  }

  isNewTool(agent: string, tool: string | null, learningMs: number, nowMs: number): boolean {
    const known = this.tools.get(agent, nowMs);
    return tool !== null && known !== undefined && nowMs - known.firstMs > learningMs && !known.tools.has(tool);
  }

  /** Remembers one call; what was known before it. */
  observe(
    agent: string,
    seen: Observation,
    became: Pick<Effective, "outcome" | "refusal">,
    nowMs: number,
  ): SessionState | null {
    const before = this.get(agent, seen.session, nowMs);
    const newTool = this.isNewTool(agent, seen.tool, seen.learningMs, nowMs);
    const effective = { ...became, newTool };
    const kept = this.sessions.get(place(agent, seen.session), nowMs) ?? null;
    const { state, worse } = remembered(kept, structuredClone(seen), effective, nowMs);
    const untilMs = nowMs + seen.ttlMs;
    this.sessions.set(place(agent, seen.session), state, untilMs, nowMs);
    const open = place(agent, `open:${agent}`);
    if (seen.bound && isBad(seen, effective)) {
      this.sessions.set(open, worse(this.sessions.get(open, nowMs) ?? null), untilMs, nowMs);
    }
    const agents = this.agents.get(seen.session, nowMs) ?? new Set();
    this.agents.set(seen.session, agents.add(agent), untilMs, nowMs);
    if (became.outcome === "passed") this.used(agent, seen, nowMs);
    return before;
  }

  agentsOf(session: string, nowMs: number): string[] {
    const agents = [...(this.agents.get(session, nowMs) ?? [])];
    const living = agents.filter((agent) => this.sessions.get(place(agent, session), nowMs));
    return living.sort().slice(0, maxSessionAgents);
  }

  private used(agent: string, { tool, learningMs }: Observation, nowMs: number): void {
    const known = this.tools.get(agent, nowMs) ?? { firstMs: nowMs, tools: new Set() };
    if (tool !== null) known.tools.add(tool);
    this.tools.set(agent, known, nowMs + learningMs + agentToolsMs, nowMs);
  }
}

function place(agent: string, session: string): string {
  return JSON.stringify([agent, session]);
}

import type { SessionState } from "../session.js";
import { ExpiringMap } from "./expiring_map.js";
import { type Effective, type KeptSession, remembered, withUnbound } from "./sessions.js";
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

  /** With what the agent did outside of any session. */
  get(agent: string, session: string, nowMs: number): SessionState | null {
    return withUnbound(session, this.own(agent, session, nowMs), this.own(agent, unbound, nowMs));
  }

  private own(agent: string, session: string, nowMs: number): SessionState | null {
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
    const after = remembered(kept, structuredClone(seen), effective, nowMs);
    const untilMs = nowMs + seen.ttlMs;
    this.sessions.set(place(agent, seen.session), after.state, untilMs, nowMs);
    const other = place(agent, seen.bound ? `open:${agent}` : unbound);
    const known = this.sessions.get(other, nowMs) ?? null;
    const worse = seen.bound ? after.worse : after.unbound;
    if (worse) this.sessions.set(other, worse(known), untilMs, nowMs);
    // It is not to forget before the sessions do of which it knows.
    else if (seen.bound && known) this.sessions.set(other, known, untilMs, nowMs);
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

/** Where it is kept what an agent did outside of any session; no session has this id. */
const unbound = "";

function place(agent: string, session: string): string {
  return JSON.stringify([agent, session]);
}

import type { RecordedDecision } from "../audit/form.js";

/** What a row of the report is about beside its rule; `more` stands for all that came after the table was full. */
export type Group = { agent?: string | null; tool?: string | null; action?: string | null; more?: true };

/** Calls that are counted together: those of an agent, to a tool and action where these are told apart. */
export interface Scope {
  agent: string | null;
  /** Absent = all of the agent's calls. */
  target?: { tool: string | null; action: string | null };
}

/** Reasons that look at all of an agent's calls together. */
const ofTheAgent = new Set(["rate_exceeded", "budget_exceeded"]);

/**
 * The calls that a broken rule is held to have judged. A record names the rules that were broken and not those that
 * were kept, so it is all calls of the same agent to the same tool and action.
 */
export function scopeOf(rule: string, { agent_id, tool, action }: RecordedDecision): Scope {
  return ofTheAgent.has(rule) ? { agent: agent_id } : { agent: agent_id, target: { tool, action } };
}

/** The scopes that a call belongs to, by their keys. */
export function keysOf({ agent_id, tool, action }: RecordedDecision): [string, string] {
  return [keyOf({ agent: agent_id }), keyOf({ agent: agent_id, target: { tool, action } })];
}

export function keyOf({ agent, target }: Scope): string {
  return JSON.stringify(target ? [agent, target.tool, target.action] : [agent]);
}

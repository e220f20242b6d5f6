/** Agents that one process tells apart in metrics. */
const maxAgentLabels = 200;

/** Agents as values of a label, bounded in number for the life of the process: `none` is nobody, `other` one too many. */
export class AgentLabels {
  readonly #known = new Set<string>();

  of(agent: string | null): string {
    if (agent === null) return "none";
    if (this.#known.has(agent)) return agent;
    if (this.#known.size >= maxAgentLabels) return "other";
    this.#known.add(agent);
    return agent;
  }
}

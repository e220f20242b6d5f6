/** Those that expire first come first; ties by agent and id, so that every store gives the same order. */
export function bySoonest(a: Pending, b: Pending): number {
  return a.expiresAtMs - b.expiresAtMs || order(a.agent, b.agent) || order(a.id, b.id);
}

/**
 * The first entry of each agent, then the second of each, and so on: what one agent has, however much, hides nothing of
 * the others. Within a turn the order stays.
 */
export function byTurns<Entry extends { agent: string }>(entries: readonly Entry[]): Entry[] {
  const turns = new Map<string, number>();
  const numbered = entries.map((entry) => {
    const turn = turns.get(entry.agent) ?? 0;
    turns.set(entry.agent, turn + 1);
    return { entry, turn };
  });
  return numbered.sort((a, b) => a.turn - b.turn).map(({ entry }) => entry);
}

interface Pending {
  agent: string;
  id: string;
  expiresAtMs: number;
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

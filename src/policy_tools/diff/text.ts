import type { AgentChange, PolicyDiff } from "./diff.js";

const effects = { stricter: " (stricter)", looser: " (looser)", changed: "", shadow: " (only in shadow)" } as const;

const sameInEffect = "no difference in what they say: only in spelling, or in the program that reads them";

/** One line for each change: whom it concerns, where it stands, and what it is. */
export function diffLines({ before, after, agents, changes }: PolicyDiff): string[] {
  if (before === after) return ["no difference"];
  if (changes.length === 0) return [sameInEffect];
  return changes.map((change) => line(change, agents.length));
}

function line({ agents, file, action, what, effect }: AgentChange, all: number): string {
  const who = agents.length === all ? "every agent" : agents.map(nameOf).join(" and ");
  const place = [
    ...(who === "" ? [] : [who]),
    ...(file === null ? [] : [file]),
    ...(action === null ? [] : [`action ${action}`]),
  ];
  return `${place.join(", ")}: ${what}${effects[effect]}`;
}

function nameOf(agent: string): string {
  return agent === "*" ? 'agents without a file ("*")' : agent;
}

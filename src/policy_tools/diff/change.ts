/** What a change means for calls, where that is certain. In shadow nothing is held up, before or after. */
export type Effect = "stricter" | "looser" | "changed" | "shadow";

/** One difference between two versions of what applies to an agent. */
export interface Change {
  /** The policy file; `null` for what no single file says. */
  file: string | null;
  action: string | null;
  /** In words: `max_replicas 50 -> 10`. */
  what: string;
  effect: Effect;
}

/** A change without its place. */
export type Said = Pick<Change, "what" | "effect">;

/** The direction in which a number restricts. */
export function byNumber(before: number, after: number, lowerIs: "stricter" | "looser"): Effect {
  const higherIs = lowerIs === "stricter" ? "looser" : "stricter";
  return after < before ? lowerIs : higherIs;
}

/** Fewer permitted things are stricter; some gained and some lost is neither. */
export function byMembers(before: readonly unknown[], after: readonly unknown[]): Effect {
  const { gained, lost } = members(before, after);
  if (gained.length > 0 && lost.length > 0) return "changed";
  return lost.length > 0 ? "stricter" : "looser";
}

/** The other way round, for lists of what is refused. */
export function opposite(effect: Effect): Effect {
  if (effect === "stricter") return "looser";
  return effect === "looser" ? "stricter" : effect;
}

/** What one list has and the other does not, each member as text. */
export function members(before: readonly unknown[], after: readonly unknown[]): { gained: string[]; lost: string[] } {
  const [old, now] = [new Set(before.map(shown)), new Set(after.map(shown))];
  return { gained: [...now].filter((one) => !old.has(one)), lost: [...old].filter((one) => !now.has(one)) };
}

/** `+ staging, - production`. */
export function listChange(before: readonly unknown[], after: readonly unknown[]): string {
  const { gained, lost } = members(before, after);
  return [...gained.map((one) => `+ ${one}`), ...lost.map((one) => `- ${one}`)].join(", ");
}

export function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "none");
}

export function oneLine(source: string): string {
  return source.trim().replace(/\s+/g, " ");
}

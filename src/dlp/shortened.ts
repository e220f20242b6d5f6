import type { Json } from "../call.js";

type Members = Readonly<Record<string, Json>>;

/** Stands in records for what was not searched. */
export const unsearched = "[unsearched]";

/** Longest text that is kept, and how much of all texts, in UTF-16 units. */
const [longest, mostKept] = [256, 65_536];
/** Most members of objects and lists that are kept. */
const mostMembers = 1_000;

/**
 * A copy of what is short enough to be searched whatever the size of the whole: texts, numbers and names of at most 256
 * characters, up to 65,536 in all and 1,000 members, in order, those at the top first. The others are `[unsearched]`: a text
 * as such, members whose names are not kept as one member, and a list too long as a whole, so that none looks shorter than it is.
 */
export function shortened(members: Members): Record<string, Json> {
  const room = { characters: mostKept, members: mostMembers };
  const fits = (text: string): boolean => {
    const does = text.length <= Math.min(longest, room.characters);
    if (does) room.characters -= text.length;
    return does;
  };
  const result = emptyObject();
  // Level by level, since the loop goes on with what is added to the list meanwhile.
  const levels: (() => void)[] = [];
  const kept = (value: Json): Json => {
    if (typeof value === "string" || typeof value === "number") return fits(String(value)) ? value : unsearched;
    if (typeof value !== "object" || value === null) return value;
    if (!Array.isArray(value)) {
      const copy = emptyObject();
      levels.push(() => keepMembers(value, copy));
      return copy;
    }
    if (value.length > room.members) return unsearched;
    room.members -= value.length;
    const copy: Json[] = [];
    levels.push(() => {
      for (const member of value) copy.push(kept(member));
    });
    return copy;
  };
  const keepMembers = (from: Members, to: Record<string, Json>): void => {
    for (const [name, value] of Object.entries(from)) {
      if (room.members > 0 && fits(name)) {
        room.members -= 1;
        to[name] = kept(value);
      } else to[unsearched] = unsearched;
    }
  };
  keepMembers(members, result);
  for (const keep of levels) keep();
  return result;
}

/** Without a prototype, so that every name is a member like any other. */
function emptyObject(): Record<string, Json> {
  return Object.create(null) as Record<string, Json>;
}

export type Fields = Record<string, unknown>;

/** Something with one part removed, of another kind, or added. */
export interface Damage {
  /** Which part, and what became of it. */
  what: string;
  damaged: unknown;
}

export interface DamageOptions {
  /** Keys that are left alone, with all below them. */
  spared?: readonly string[];
  /** Keys whose absence means something. */
  optional?: readonly string[];
  /** Keys of maps whose members may have any name and may each be missing. */
  open?: readonly string[];
  /** Puts a key that nobody knows into every map; not into those below a key of this list. */
  adding?: { except: readonly string[] };
}

/** The value damaged in every way, in one place each. */
export function damages(
  value: unknown,
  options: DamageOptions = {},
  path: readonly (string | number)[] = [],
): Damage[] {
  if (typeof value !== "object" || value === null) return [];
  const { spared = [], optional = [], open = [], adding } = options;
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  const isOpen = open.includes(String(path.at(-1)));
  const own = entries.flatMap(([key, part]): Damage[] => {
    if (spared.includes(String(key)) || (key === "value" && path.includes("condition"))) return [];
    const at = [...path, key].join(".");
    const put = (other: unknown): unknown =>
      Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other };
    const removable = !Array.isArray(value) && !isOpen && !optional.includes(String(key));
    return [
      ...(removable ? [{ what: `${at} removed`, damaged: put(undefined) }] : []),
      ...kinds
        .filter((other) => kindOf(other) !== kindOf(part))
        .map((other) => ({ what: `${at} = ${JSON.stringify(other)}`, damaged: put(other) })),
      ...damages(part, options, [...path, key]).map(({ what, damaged }) => ({ what, damaged: put(damaged) })),
    ];
  });
  const closed = adding && !Array.isArray(value) && path.length > 0 && !adding.except.some((key) => path.includes(key));
  return closed ? [...own, { what: `${path.join(".")}.unknown added`, damaged: { ...value, unknown: 1 } }] : own;
}

const kinds = [null, 7, "x", true, [], {}];

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

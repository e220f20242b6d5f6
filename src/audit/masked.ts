/**
 * A placeholder that stands in a record for what was masked: `[secret]`, `[token]`, `[removed]`, `[credential]`,
 * `[email]`. A text that the agent wrote like one counts as masked too, since nobody can tell them apart any more.
 */
const placeholder = /\[[a-z][a-z0-9_-]*\]/i;

/** True for a recorded text in which something was masked. */
export function isMasked(value: unknown): boolean {
  return typeof value === "string" && placeholder.test(value);
}

/** True for a recorded value in which something was masked at any depth, names included. */
export function holdsMasked(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return isMasked(value);
  return hasMaskedName(value) || Object.values(value).some(holdsMasked);
}

/** True for a map of which a name was masked: then nobody can tell which others it had. */
export function hasMaskedName(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).some(isMasked);
}

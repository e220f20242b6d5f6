/**
 * A name as readers see it that take upper and lower case for the same (Go's encoding/json, many frameworks). Upper case
 * first, since some letters, like the long s, only meet their kin there.
 */
export function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase();
}

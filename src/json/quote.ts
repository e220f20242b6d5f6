/** A name that the agent sent, fit for the text of a refusal: ASCII, in quotes, at most about 64 characters. */
export function quote(name: string): string {
  const short = name.length > 64 ? `${name.slice(0, 64)}...` : name;
  const escaped = JSON.stringify(short).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return escaped;
}

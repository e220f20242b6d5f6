/** More digits than any double needs (RFC 8259 section 6), and a bound on the work below. */
const longest = 64;
const significant = 17;
const plain = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/;

/**
 * The value of a JSON number that every reader takes for the same: finite, at most 2^53 - 1 either way, no digits
 * beyond what a double holds, not so small that it becomes 0. `null` for any other.
 */
export function exactNumber(lexeme: string): number | null {
  if (lexeme.length > longest) return null;
  const value = Number(lexeme);
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return null;
  const digits = lexeme
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "")
    .replace(/0+$/, "");
  if (digits.length > significant) return null;
  return value === 0 && digits !== "" ? null : value;
}

/** The value of a number written in text: digits, a minus sign, one decimal point, nothing else. `null` otherwise. */
export function plainDecimal(text: string): number | null {
  return text.length <= longest && plain.test(text) ? exactNumber(text) : null;
}

/** Between texts: ends a sentence and a comment, so that no marker is put together from two of them. */
export const separator = ";--> ";

/**
 * The text, or its first and last part where it is longer than `length`, with a separator between them and never longer than
 * that. The last part begins at a multiple of four, as groups of base64 do.
 */
export function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  const half = Math.floor((length - separator.length) / 2);
  if (half <= 0) return "";
  const from = Math.ceil((text.length - half) / 4) * 4;
  return `${text.slice(0, half)}${separator}${text.slice(from)}`;
}

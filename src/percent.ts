/** Percent-encoding (RFC 3986 section 2.1) taken away once. Escapes that are not UTF-8 become U+FFFD; others stay. */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (run) =>
    Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8"),
  );
}

import type { Find, Span } from "../../../src/dlp/span.js";

/** A text in which `«` and `»` stand around what has to be found. With a label: `label => text`. */
export function readMarked(marked: string): { label: string; text: string; spans: Span[] } {
  const [, label = "", written = ""] = /^(?:([a-z ]+) => )?(.*)$/s.exec(marked) ?? [];
  const spans: Span[] = [];
  let text = "";
  for (const [i, part] of written.split(/[«»]/).entries()) {
    if (i % 2 === 1) spans.push({ start: text.length, end: text.length + part.length });
    text += part;
  }
  return { label, text, spans };
}

/** What the detector finds in the text, marked the same way. */
export function mark(find: Find, marked: string): string {
  const { label, text } = readMarked(marked);
  let result = label === "" ? "" : `${label} => `;
  let done = 0;
  for (const { start, end } of find(text, label)) {
    result += `${text.slice(done, start)}«${text.slice(start, end)}»`;
    done = end;
  }
  return result + text.slice(done);
}

/** Tests that a detector finds just what is marked in each text; in a text without marks it finds nothing. */
export function finds(find: Find, texts: readonly string[]): void {
  test.each(texts)("%s", (text) => expect(mark(find, text)).toBe(text));
}

/** What looks like much and is nothing that must not leave. */
export const harmless = [
  "550e8400-e29b-41d4-a716-446655440000",
  "41111111-1111-4111-8111-111111111111",
  "7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc",
  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  "a4111111111111111b5e6b4b0d3255bfef956018",
  "d41d8cd98f00b204e9800998ecf8427e",
  "b566ba6",
  "507f1f77bcf86cd799439011",
  "01J9ZQ3V6C5R8N2K4M7P0T1S6X",
  "2024-01-15T10:30:00.000Z",
  "2024-01-15 10:30:00+00:00",
  "20240115103000",
  "1700000000",
  "1700000000000",
  "1700000000000000",
  "1700000000000000000",
  "1.2.3",
  "v10.15.3-rc.1",
  "react@18.2.0-rc.one",
  "51.5073509123456",
  "0.4111111111111111",
  "3.141592653589793",
  "10 20 30 40 50 60 70 80 90",
  "registry.internal:5000/shop/web:1.4.2",
  "shop/web@sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc",
  "deploy the staging environment of shop/web",
  "order-4155550132",
  "ORD-123-45-6789",
  "00:1a:2b:3c:4d:5e",
  "@scope/package",
  "",
] as const;

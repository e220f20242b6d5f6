import type { Span } from "./span.js";

/** Characters of base64 and base64url (RFC 4648 sections 4 and 5), and of words of hyphens and slashes just as well. */
const alphabet = kinds(/[A-Za-z0-9+/_-]/);

function kinds(kind: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (kind.test(String.fromCharCode(code)) ? 1 : 0));
}

const isMember = (text: string, at: number): boolean => alphabet[text.charCodeAt(at)] === 1;

/** The runs of base64 characters with at least `shortest` of them, without padding. A line break ends a run. */
export function base64Runs(text: string, shortest: number): Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < text.length; start += 1) {
    if (!isMember(text, start)) continue;
    let end = start + 1;
    while (isMember(text, end)) end += 1;
    if (end - start >= shortest) spans.push({ start, end });
    start = end;
  }
  return spans;
}

/** The parts of a run between `+ / - _`, each at least `shortest` long. In encoded ASCII every part begins a group. */
export function piecesOf(text: string, { start, end }: Span, shortest: number): Span[] {
  const spans: Span[] = [];
  let from = start;
  for (let at = start; at <= end; at += 1) {
    if (at < end && /[A-Za-z0-9]/.test(text.charAt(at))) continue;
    if (at - from >= shortest) spans.push({ start: from, end: at });
    from = at + 1;
  }
  return spans;
}

/** A part of a text, in UTF-16 units; `end` is not part of it. */
export interface Span {
  start: number;
  end: number;
}

/** Most places that are told apart in one text. Where there are more, all of the text counts as found. */
export const mostPlaces = 100;

/**
 * Where a text holds something: spans in order that do not overlap. The search ends when there are more than `mostPlaces`. `label` is what the text stands under (the name of a
 * parameter, a key, a header), as words; some things are recognised only beside a word that names them.
 */
export type Find = (text: string, label?: string) => Span[];

/** Spans in order, without those that begin inside another; of two that begin together the longer one stays. */
export function apart(spans: readonly Span[]): Span[] {
  const kept: Span[] = [];
  let free = 0;
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (span.start < free) continue;
    kept.push(span);
    free = span.end;
  }
  return kept;
}

/** How much of a name is looked at, in UTF-16 units. */
const longestLabel = 128;

/** The words of a name: `patientSSN` and `patient_ssn` are both `patient ssn`. Of a long name its end. */
export function labelOf(name: string): string {
  const words = name.slice(-longestLabel).replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2");
  return words.replaceAll(/[^A-Za-z0-9]/g, " ").toLowerCase();
}

/** How far a word may stand from what it names, in UTF-16 units. */
const [before, after] = [40, 20];

/** True when the label, or the text close to the span, holds one of the words. */
export function isNear(words: RegExp, text: string, { start, end }: Span, label: string): boolean {
  if (words.test(label)) return true;
  return words.test(text.slice(Math.max(0, start - before), start)) || words.test(text.slice(end, end + after));
}

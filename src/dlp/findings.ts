import { detectors } from "./detectors.js";
import { mostPlaces } from "./span.js";
import { viewsOf } from "./views.js";

/** A pattern of the user's own, in RE2 syntax. Its name must not be a detector's. */
export interface UserPattern {
  name: string;
  pattern: string;
}

/**
 * What each pattern matches in each text, in order: `[pattern][text]`. At most the first 101 matches, so that the work grows
 * as the text does, whatever the pattern.
 */
export type PatternMatcher = (patterns: readonly UserPattern[], texts: readonly string[]) => string[][][];

/** One text of a call. `label` is what it stands under, in words; it helps to tell what the text is. */
export interface Labelled {
  text: string;
  label: string;
}

/** What was found in one text, by detector. */
export interface Findings {
  /** As it stands in the text. Empty when it was found in another reading of the text only. */
  readonly inPlain: ReadonlySet<string>;
  /** More was found than `mostPlaces` tells apart: all of the text counts as found. */
  readonly isWhole: boolean;
}

export type FindingsByName = ReadonlyMap<string, Findings>;

/** Finds in texts what these detectors and patterns know. Throws for a detector that there is not. */
export interface Inspector {
  /** Of each text, in the same order. One call of the pattern matcher for all of them. */
  inspect(texts: readonly Labelled[]): FindingsByName[];
}

export function createInspector(
  names: readonly string[],
  patterns: readonly UserPattern[],
  match: PatternMatcher,
): Inspector {
  const chosen = names.map((name) => {
    const detector = detectors.get(name);
    if (!detector) throw new Error(`there is no detector ${name}`);
    return { name, ...detector };
  });

  /** The text itself and its other readings, in which everything is looked for alike. */
  interface Reading extends Labelled {
    of: number;
    isPlain: boolean;
  }

  const readingsOf = ({ text, label }: Labelled, of: number): Reading[] => [
    { text, label, of, isPlain: true },
    ...viewsOf(text).map((view) => ({ text: view, label, of, isPlain: false })),
  ];

  return {
    inspect(texts) {
      const found = texts.map(() => new Map<string, { inPlain: Set<string>; isWhole: boolean }>());
      const add = (name: string, { of, isPlain }: Reading, strings: readonly string[]): void => {
        const isWhole = strings.length > mostPlaces;
        const parts = strings.filter((string) => string !== "");
        if (parts.length === 0 && !isWhole) return;
        const findings = found[of]?.get(name) ?? { inPlain: new Set(), isWhole: false };
        found[of]?.set(name, findings);
        findings.isWhole ||= isWhole;
        if (isPlain) for (const part of parts) findings.inPlain.add(part);
      };
      const readings = texts.flatMap(readingsOf);
      for (const reading of readings) {
        for (const { name, find } of chosen) {
          const spans = find(reading.text, reading.label);
          add(
            name,
            reading,
            spans.map(({ start, end }) => reading.text.slice(start, end)),
          );
        }
      }
      for (const [name, matches] of matchesOf(patterns, readings, match)) {
        for (const [i, reading] of readings.entries()) add(name, reading, matches[i] ?? []);
      }
      return found;
    },
  };
}

/** What each pattern matches in each text. Throws when the matcher did not answer for all. */
function matchesOf(
  patterns: readonly UserPattern[],
  texts: readonly Labelled[],
  match: PatternMatcher,
): [string, string[][]][] {
  if (patterns.length === 0) return [];
  const answers = match(
    patterns,
    texts.map(({ text }) => text),
  );
  return patterns.map(({ name }, i) => {
    const answer = answers[i];
    if (answer?.length !== texts.length) throw new Error(`pattern ${name} was not matched against every text`);
    return [name, answer];
  });
}

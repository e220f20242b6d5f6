import { bounded } from "../../bounded.js";
import type { Judges } from "../../evaluate/judge.js";
import { rejudge } from "../../evaluate/rejudge.js";
import { type Difference, differences } from "./compare.js";
import { type Outcome, outcomeOf } from "./outcome.js";
import type { Case } from "./read.js";

/** What became of one case. */
export interface Result {
  case: Case;
  /** What the policies said; `null` when they said nothing that can be used. */
  got: Outcome | null;
  differences: Difference[];
  /** Why nothing was said. */
  error: string | null;
}

/** Asks the policies about every case, one after the other. */
export async function runCases(cases: readonly Case[], judges: Judges): Promise<Result[]> {
  const results: Result[] = [];
  for (const one of cases) results.push(await runCase(one, judges));
  return results;
}

/** True when the case came out as it is wanted. */
export function passed({ differences, error }: Result): boolean {
  return differences.length === 0 && error === null;
}

async function runCase(one: Case, judges: Judges): Promise<Result> {
  try {
    const got = outcomeOf(await rejudge(one.input, judges));
    return { case: one, got, differences: differences(one.want, got), error: null };
  } catch (error) {
    return { case: one, got: null, differences: [], error: error instanceof Error ? error.message : String(error) };
  }
}

/** A failed case for people: where it stands, and each thing wanted beside what came. */
export function failureText({ case: { file, line, description }, differences, error }: Result): string {
  const lines = error === null ? differences.flatMap(differenceLines) : [`the policies gave no answer: ${error}`];
  return [`${file}:${line}: ${description}`, ...lines.map((text) => `  ${text}`)].join("\n");
}

function differenceLines({ key, wanted, got }: Difference): string[] {
  return [`${key}`, `  wanted: ${shown(wanted)}`, `  got:    ${shown(got)}`];
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(bounded(value));
}

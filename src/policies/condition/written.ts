import type { Place } from "../../files/scalar_place.js";
import { compileCondition } from "./compile.js";
import { ConditionError } from "./error.js";
import type { Condition } from "./flat.js";

/** Who judges a condition that somebody wrote into a file. */
interface Judge {
  /** What is wrong with a pattern (RE2), `null` when nothing is. */
  patternMistake(text: string): string | null;
  /** Told of every mistake, with its place inside the text where it has one. */
  mistake(message: string, within?: Place): void;
}

/** Compiles a condition of a file. `null` when it has mistakes that leave nothing of it. */
export function conditionWritten(text: string, { patternMistake, mistake }: Judge): Condition | null {
  try {
    const compiled = compileCondition(text);
    for (const pattern of patternsIn(compiled)) {
      const wrong = patternMistake(pattern);
      if (wrong !== null) mistake(`${JSON.stringify(pattern)} ${wrong}`);
    }
    return compiled;
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    mistake(error.message, error);
    return null;
  }
}

/** What `matches` is asked for. */
function patternsIn({ atoms }: Condition): string[] {
  return atoms.flatMap((atom) =>
    atom.op === "matches" && "value" in atom.right && typeof atom.right.value === "string" ? [atom.right.value] : [],
  );
}

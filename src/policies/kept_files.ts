import { sha256Hex } from "../canonical.js";
import { InvalidFile, locate, type Problem, parseLocated } from "../files/located_yaml.js";
import { type Compiled, type CompileOptions, compileSource } from "./compile.js";
import type { PolicyText } from "./policy_text.js";
import { policySchema } from "./schema.js";

/** The files of the last set, by everything that they were made of. */
let lately: ReadonlyMap<string, Compiled> = new Map();

/**
 * Compiles YAML and JSON texts each by itself, sorted by file, one text a step. A text that the last set had too is not
 * read again. `program` names the policy program, whose RE2 judges patterns. Throws `InvalidFile` in the end when texts
 * cannot be read, with the mistakes of all.
 */
export function* compileEach(
  texts: readonly PolicyText[],
  options: CompileOptions,
  program: string,
): Generator<void, Compiled[]> {
  const now = new Map<string, Compiled>();
  const problems: Problem[] = [];
  const compiled: Compiled[] = [];
  for (const given of texts.toSorted(byFile)) {
    const key = sha256Hex(JSON.stringify([program, options.defaultMode, given.file, given.text]));
    try {
      const file = lately.get(key) ?? compileText(given, options);
      compiled.push(file);
      now.set(key, file);
    } catch (error) {
      if (!(error instanceof InvalidFile)) throw error;
      problems.push(...error.problems);
    }
    yield;
  }
  lately = now;
  if (problems.length > 0) throw new InvalidFile(problems);
  return compiled;
}

function compileText({ file, text }: PolicyText, options: CompileOptions): Compiled {
  const compiled = compileSource(parseLocated(file, text, policySchema), options);
  // The tree of a file is many times larger than its text, and wanted again only for mistakes.
  const problem: Compiled["source"]["problem"] = (...place) => locate(file, text).problem(...place);
  const { source, names } = compiled;
  // Names are many where anything is, and are held once.
  const value = source.value.agents && names ? { ...source.value, agents: names } : source.value;
  return { ...compiled, source: { file, value, problem } };
}

function byFile(a: PolicyText, b: PolicyText): number {
  return a.file < b.file ? -1 : 1;
}

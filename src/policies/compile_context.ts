import type { Located, Path } from "../files/located_yaml.js";
import type { Place } from "../files/scalar_place.js";
import type { Defaults } from "./rule.js";
import type { PolicySource } from "./schema.js";

/** What the compiling of one file needs beside the file. */
export interface CompileContext {
  source: Located<PolicySource>;
  /** How rules stand that say nothing themselves. */
  defaults: Defaults;
  patternMistake(text: string): string | null;
  /** Told of every mistake; what is compiled after one must not be used. */
  mistake(path: Path, message: string, within?: Place): void;
}

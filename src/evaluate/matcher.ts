import { RE2JS } from "re2js";
import { RecentMap } from "../recent_map.js";
import type { Match } from "./slim_input.js";

/** How many patterns are kept compiled. */
const mostPatterns = 1_000;
const longestPattern = 500;
const longestText = 1_000;

/** Nothing of these means something else to another release of RE2, or of Unicode. */
const plainText = /^[\t\n\r -~]*$/;
/** Classes of Unicode differ from release to release; single bytes are something that texts here do not have. */
const unsure = /\\[pPC]/;

/** One character, or one of a class, so many times. Nothing of it means something else to JavaScript. */
const atom = String.raw`(?:[A-Za-z0-9 _:/@=,~-]|\\[./+*?-]|\[[A-Za-z0-9_.:/@ -]+\])`;
/**
 * Of a whole value, and only its last part of no fixed length: then no way of matching is tried that has to be gone back
 * from, and JavaScript's own engine is linear too, at a twentieth of the time.
 */
const plainPattern = new RegExp(
  String.raw`^\\A\(\?:(?:${atom}(?:\{\d{1,3}\})?)*(?:${atom}(?:[?*+]|\{\d{1,3},\d{0,3}\}))?\)\\z$`,
);

/**
 * Says what patterns match, in linear time like the RE2 of the policy program, which compiles each pattern anew in each
 * evaluation: about fifty times the work of matching it. `null` for what is not plain enough that both are sure to agree,
 * and for patterns that only one of them takes.
 */
export function createMatcher(): Match {
  const compiled = new RecentMap<string, RE2JS | RegExp | "unsure">(mostPatterns);

  function compile(pattern: string): RE2JS | RegExp | "unsure" {
    if (pattern.length > longestPattern || !plainText.test(pattern) || unsure.test(pattern)) return "unsure";
    try {
      const re2 = RE2JS.compile(pattern);
      return plainPattern.test(pattern) ? new RegExp(`^(?:${pattern.slice("\\A(?:".length, -")\\z".length)})$`) : re2;
    } catch {
      return "unsure";
    }
  }

  return (pattern, text) => {
    if (text.length > longestText || !plainText.test(text)) return null;
    let known = compiled.get(pattern);
    if (known === undefined) {
      known = compile(pattern);
      compiled.set(pattern, known);
    }
    return known === "unsure" ? null : known.test(text);
  };
}

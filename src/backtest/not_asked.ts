import type { Json } from "../call.js";
import type { Engine } from "../evaluate/engine.js";
import type { AgentDocument, Rule } from "../policies/document.js";

/** As much of an explanation as says which conditions are false. */
interface Explained {
  entries: { file: string; index: number; rules: { when?: { truth: string } }[] }[];
}

/** Rules of `require` whose condition is false for the call. None when the program fails, which is a denial anyway. */
export function notAskedOf(
  engine: Engine,
  id: string,
  document: AgentDocument,
  input: { [name: string]: Json },
): ReadonlySet<Rule> {
  const all = document.files.flatMap(({ actions }) => actions.flatMap(({ rules }) => rules));
  if (!all.some((rule) => "when" in rule)) return new Set();
  let explained: Explained;
  try {
    explained = engine.run(id, document, input, "countersign/explanation") as Explained;
  } catch {
    return new Set();
  }
  return new Set(
    explained.entries.flatMap(({ file, index, rules }) => {
      const written = document.files.find((one) => one.file === file)?.actions[index]?.rules ?? [];
      return written.filter((_, i) => rules[i]?.when?.truth === "false");
    }),
  );
}

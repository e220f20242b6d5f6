import type { Atom } from "../../../policies/condition/flat.js";
import { type Check, forEntries, type LintContext } from "../check.js";
import { conditionsOf, requirementsOf } from "../requirements.js";

/** Data that no tool exposes and no `dlp` tags: no session is known to have had access to it, unless others say so. */
export const unknownClassifications: Check = {
  level: "warning",
  find: (context) => {
    const known = classificationsOf(context);
    if (!known) return [];
    const why = (name: string): string =>
      `no tool of the catalogue has the classification ${name}, and no dlp tags it: only attestations of others can`;
    const folded = new Set([...known].map((name) => name.toLowerCase()));
    return forEntries(context, (entry, file, told) => [
      ...requirementsOf(entry.source).flatMap(([{ clearance = {} }, at]) =>
        Object.keys(clearance)
          .filter((name) => !folded.has(name.toLowerCase()))
          .map((name) => told([...at, "clearance", name], why(name))),
      ),
      ...conditionsOf(entry).flatMap(({ condition, at }) =>
        [...new Set(condition.atoms.flatMap(askedFor))]
          .filter((name) => !known.has(name))
          .map((name) => file.source.problem(at, why(name))),
      ),
    ]);
  },
};

/** All that sessions can be known to have had access to; `null` without a catalogue. */
function classificationsOf({ catalogue, files }: LintContext): ReadonlySet<string> | null {
  if (!catalogue) return null;
  const tags = files.flatMap(({ compiled }) =>
    compiled.actions.flatMap(({ rules }) => rules.flatMap((rule) => (rule.kind === "dlp_tag" ? [rule.tag] : []))),
  );
  return new Set([...catalogue.tools.flatMap(({ classification }) => classification), ...tags]);
}

/** `"pii" in session.data_classification`. */
function askedFor(atom: Atom): string[] {
  if (atom.op !== "in" || !("value" in atom.left) || !("path" in atom.right)) return [];
  const { value } = atom.left;
  const [name = "", field] = atom.right.path;
  const ofSession = ["session", "session_attestation"].includes(name) && field === "data_classification";
  return ofSession && typeof value === "string" ? [value] : [];
}

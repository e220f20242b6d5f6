import type { Condition, Literal } from "../../../policies/condition/flat.js";
import { vocabulary } from "../../../policies/condition/vocabulary.js";
import { askingPlace, type Check, covers, forEntries, type LintContext, type LintFile } from "../check.js";
import { constant, offering, toolsOf } from "../tools.js";

/**
 * A condition such as `env == "production"` in an entry without `allowed_environments`. It excuses nothing there: other
 * environments pass without anybody being asked, or this one is refused by another entry and nobody is asked.
 */
export const onlyAsks: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source, compiled }, file, told) => {
      const { approval, rules } = compiled;
      if (!file.compiled.grants || approval?.mode !== "enforce") return [];
      const asked = environmentsOf(approval.condition);
      if (!asked || rules.some(({ kind }) => kind === "environments")) return [];
      // The condition of the file is right for other entries.
      const place = askingPlace(source, []) ?? ["name"];
      const limits = file.agents.map((agent) => limitsFor(agent, source.name, file, context));
      if (limits.some((one) => one.length === 0)) {
        if (isPinned(file, source.name, context)) return [];
        const rest = `every environment but ${asked.join(", ")} passes without approval`;
        return [told(place, `${rest}: allowed_environments would name those that may`)];
      }
      const refusing = limits.map((one) => one.find((limit) => asked.every((name) => refuses(limit, name))));
      const [first] = refusing;
      if (!first || refusing.includes(undefined)) return [];
      const why = `allowed_environments of another entry (${first.file}) refuses it`;
      return [told(place, `nobody is asked about ${asked.join(", ")}: ${why}`)];
    }),
};

/** The environments about which the condition asks, when it is about nothing else. */
function environmentsOf({ atoms, any }: Condition): string[] | null {
  const named = any.map(([literal, ...others]) => (literal && others.length === 0 ? namedBy(atoms, literal) : null));
  return named.includes(null) ? null : [...new Set((named as string[][]).flat())];
}

function namedBy(atoms: Condition["atoms"], { atom: index, negated }: Literal): string[] | null {
  const atom = atoms[index];
  if (negated || !atom || (atom.op !== "==" && atom.op !== "in")) return null;
  const sides = atom.op === "==" ? [atom.left, atom.right] : [atom.left];
  const isAboutEnvironment = sides.some(
    (side) => "path" in side && side.path.join(".") === vocabulary.env?.path.join("."),
  );
  const values = [atom.left, atom.right].flatMap((side) => ("value" in side ? side.value : []));
  return isAboutEnvironment && values.length > 0 && values.every((value) => typeof value === "string")
    ? (values as string[])
    : null;
}

interface Limit {
  file: string;
  environments: readonly string[];
  /** True for an entry that may ask itself about other environments. */
  asks: boolean;
}

/** The enforced lists of environments that hold beside the entry for all of the file's tools. */
function limitsFor(agent: string, action: string, file: LintFile, { set }: LintContext): Limit[] {
  const beside = set.documentOf(agent).document.files.filter((other) => covers(other, file));
  return beside.flatMap(({ file: name, actions }) =>
    actions
      .filter((entry) => entry.name === action || entry.name === "*")
      .flatMap(({ rules, approval }) =>
        rules.flatMap((rule) =>
          rule.kind === "environments" && rule.mode === "enforce"
            ? [
                {
                  file: name,
                  environments: rule.values,
                  asks: approval !== undefined || rule.on_violation !== undefined,
                },
              ]
            : [],
        ),
      ),
  );
}

function refuses({ environments, asks }: Limit, name: string): boolean {
  return !asks && !environments.includes(name);
}

/** True where the catalogue says the environment, and so all that there are. */
function isPinned(file: LintFile, action: string, context: LintContext): boolean {
  const tools = offering(toolsOf(file, context) ?? [], action);
  return tools.length > 0 && tools.every(({ environment }) => environment === null || constant(environment) !== null);
}

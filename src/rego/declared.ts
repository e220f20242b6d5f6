import { z } from "zod";
import type { Problem } from "../files/located_yaml.js";
import { supplied, verdictRules } from "./generated.js";
import { OpaFailed } from "./opa.js";

const location = z.object({ row: z.int(), col: z.int() });
const steps = z.array(z.object({ value: z.unknown() })).min(1);

/** What is read of the JSON that `opa parse` writes. */
const syntaxTree = z.object({
  package: z.object({ location, path: steps }),
  imports: z.array(z.object({ location, alias: z.string().optional(), path: z.object({ value: steps }) })).default([]),
  rules: z
    .array(z.object({ head: z.object({ location, ref: steps, args: z.array(z.unknown()).default([]) }) }))
    .default([]),
});

export type SyntaxTree = z.output<typeof syntaxTree>;

/** Reads what `opa parse` wrote of one file. */
export function readSyntaxTree(output: string): SyntaxTree {
  try {
    return syntaxTree.parse(JSON.parse(output));
  } catch (error) {
    throw new OpaFailed("opa parse wrote something unexpected", { cause: error });
  }
}

/** What one file declares. */
export interface Declared {
  /** The package as it is bound, `agent.deploy`; `null` for `package a["b-c"]` and the like, which cannot be bound. */
  name: string | null;
  /** Where the file takes what is the server's own. */
  problems: readonly Problem[];
}

/** Packages of the server's own program and of the compiled policies. */
const reserved: readonly unknown[] = ["countersign", "policies"];
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads the names that a file declares, and finds those that it must not. */
export function declaredBy(file: string, tree: SyntaxTree, bound: readonly string[]): Declared {
  // The first step of every package is `data`.
  const own = valuesOf(tree.package.path).slice(1);
  const problems: Problem[] = [];
  const refuse = (place: z.output<typeof location>, message: string) =>
    problems.push({ file, line: place.row, column: place.col, path: "", message });
  const refuseSupplied = (place: z.output<typeof location>) =>
    refuse(place, `${supplied} is supplied by the server; a policy cannot define it`);

  if (reserved.includes(own[0])) {
    refuse(tree.package.location, `the package ${own[0]} is the server's own; choose another name`);
  }
  if (own.includes(supplied)) refuseSupplied(tree.package.location);
  for (const { location, alias, path } of tree.imports) {
    if ((alias ?? valuesOf(path.value).at(-1)) === supplied) refuseSupplied(location);
  }
  for (const { head } of tree.rules) {
    const name = valuesOf(head.ref);
    if (name.includes(supplied)) refuseSupplied(head.location);
    if (head.args.length > 0 && decides([...own, ...name], bound)) {
      refuse(head.location, `${name.at(-1)} is a function; it has to be a rule that is true or false`);
    }
  }
  return { name: own.every(isIdentifier) ? own.join(".") : null, problems };
}

/** A rule may be named with its package's last steps: `deploy.allow` in `package agent`. */
function decides(path: readonly unknown[], bound: readonly string[]): boolean {
  return bound.some((name) => verdictRules.some((rule) => path.join(".") === `${name}.${rule}`));
}

function isIdentifier(step: unknown): boolean {
  return typeof step === "string" && identifier.test(step);
}

function valuesOf(path: z.output<typeof steps>): unknown[] {
  return path.map(({ value }) => value);
}

import { type CaseFile, readCaseFiles } from "./cases/format.js";
import { runCase } from "./cases/run.js";
import { findOpa } from "./harness/find_opa.js";
import { describeWith, requirePart } from "./harness/parts.js";

type Case = CaseFile["cases"][number];

const opa = await requirePart("opa", findOpa);
// Policies in Rego are compiled with the program of this name.
if ("value" in opa) process.env.OPA_BIN = opa.value.program;

for (const { file, description, cases } of readCaseFiles()) {
  const title = `${file}: ${description}`;
  const [compiled, others] = [cases.filter(hasRego), cases.filter((each) => !hasRego(each))];
  if (others.length > 0) describe(title, () => run(others));
  if (compiled.length > 0) describeWith(opa, title, () => run(compiled));
}

function run(cases: readonly Case[]): void {
  test.each(cases.map((each) => [each.description, each] as const))("%s", (_, each) => runCase(each));
}

/** Of all files that the case puts in force at any time. */
function hasRego({ files, steps }: Case): boolean {
  return [files, ...steps.flatMap((step) => step.files ?? [])].some(({ policies }) =>
    Object.keys(policies).some((name) => name.endsWith(".rego")),
  );
}

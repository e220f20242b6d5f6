import type { Path, Problem } from "../../../files/located_yaml.js";
import type { PolicySource } from "../../../policies/schema.js";
import { type Check, forEntries, type LintFile, members } from "../check.js";

/** A list that names the same thing twice. */
export const repeatedNames: Check = {
  level: "warning",
  find: (context) => [
    ...context.files.flatMap((file) => fileLists(file).flatMap((list) => repeated(list, file.source.problem))),
    ...forEntries(context, ({ source }, _, told) => [
      ...repeated(members("allowed_environments", source.allowed_environments), told),
      ...groups(source).flatMap((list) => repeated(list, told)),
    ]),
  ],
};

type Names = [string, Path][];

function fileLists({ source: { value } }: LintFile): Names[] {
  return [
    plain(["agents"], value.agents),
    plain(["tools"], value.tools),
    members("deny_actions", value.deny_actions),
    ...groups(value),
  ];
}

function groups({ approval }: Pick<PolicySource, "approval">): Names[] {
  return [
    plain(["approval", "approvers"], approval?.approvers),
    plain(["approval", "escalate", "to"], approval?.escalate?.to),
  ];
}

function plain(key: Path, names: readonly string[] = []): Names {
  return names.map((name, index) => [name, [...key, index]]);
}

function repeated(names: Names, told: (path: Path, message: string) => Problem): Problem[] {
  return names
    .filter(([name], index) => names.findIndex(([other]) => other === name) < index)
    .map(([name, path]) => told(path, `${name} is named twice`));
}

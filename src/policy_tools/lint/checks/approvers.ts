import type { Path, Problem } from "../../../files/located_yaml.js";
import type { ApprovalSource } from "../../../policies/approval.js";
import { type Check, forEntries, type LintContext, type LintEntry, type LintFile } from "../check.js";

/** Groups that nobody is in, and approvals that need more people than there are. */
export const approvers: Check = {
  level: "warning",
  find: (context) => {
    const answering = (context.people ?? []).filter(({ access }) => access.includes("approver"));
    const there = new Set(answering.flatMap(({ groups }) => groups));
    const isEmpty = (group: string): boolean => !there.has(group);
    if (!context.people) return [];
    return [
      ...context.files.flatMap(({ source }) =>
        emptyGroups(source.value.approval, isEmpty, (path, message) => source.problem(path, message)),
      ),
      ...forEntries(context, (entry, file, told) => [
        ...emptyGroups(entry.source.approval, isEmpty, told),
        ...tooFew(entry, file, answering, isEmpty),
      ]),
    ];
  },
};

function emptyGroups(
  { approvers: first = [], escalate }: ApprovalSource = {},
  isEmpty: (group: string) => boolean,
  told: (path: Path, message: string) => Problem,
): Problem[] {
  const named: [string, Path][] = [
    ...first.map((group, index): [string, Path] => [group, ["approval", "approvers", index]]),
    ...(escalate?.to ?? []).map((group, index): [string, Path] => [group, ["approval", "escalate", "to", index]]),
  ];
  return named
    .filter(([group]) => isEmpty(group))
    .map(([group, path]) => told(path, `no approver is in the group ${group}`));
}

/** Whoever may answer in the end counts. Where a group is empty, that is said instead. */
function tooFew(
  { source, compiled, at }: LintEntry,
  file: LintFile,
  answering: NonNullable<LintContext["people"]>,
  isEmpty: (group: string) => boolean,
): Problem[] {
  const { terms, approval } = compiled;
  if (!terms && !approval) return [];
  const { approvers: first, escalate, quorum: wanted = 1 } = terms ?? {};
  const groups = first && [...first, ...(escalate?.to ?? [])];
  if ([...(first ?? []), ...(escalate?.to ?? [])].some(isEmpty)) return [];
  const able = answering.filter((person) => !groups || person.groups.some((group) => groups.includes(group)));
  if (able.length >= wanted) return [];
  const own = (["quorum", "approvers"] as const).find((key) => source.approval?.[key] !== undefined);
  const ofFile = file.source.value.approval?.quorum === undefined ? at : ["approval", "quorum"];
  const place = own ? [...at, "approval", own] : ofFile;
  return [file.source.problem(place, `${wanted} people have to approve, and only ${able.length} can`)];
}
